"""A trained tagger of English names of diseases and chemicals, and how its network is worked out.

Arithmetic in NumPy only: a page takes milliseconds, so torch stays in the training.
"""
