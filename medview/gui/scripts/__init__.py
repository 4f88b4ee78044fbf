"""Recording what the reader does as named actions, and doing a recording again."""
