"""A small network in PyTorch, in its training container."""
