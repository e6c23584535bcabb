"""Gradient-boosted trees or a linear model of scikit-learn, in its container."""
