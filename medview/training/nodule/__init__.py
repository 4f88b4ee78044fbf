"""Training of the nodule model: measured features, a radial basis network, folds of patients."""
