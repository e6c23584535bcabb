"""Secrets Manager: what a secret is called."""
