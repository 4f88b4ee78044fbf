"""Training and judging of the tagger of texts, and of everything that is extracted from them."""
