"""Service Quotas: what an account may have at most."""
