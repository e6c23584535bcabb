"""Gradient-boosted trees, in SageMaker's XGBoost container."""
