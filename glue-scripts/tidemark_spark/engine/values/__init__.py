"""Single values by the rules of core/values, and whole columns of them."""
