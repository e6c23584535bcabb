"""A small network in TensorFlow, in its training container."""
