"""Models on tables of patients: read, fit, judge by repeated cross-validation, describe."""
