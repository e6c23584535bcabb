"""The machinery of the local cloud: how it is launched and ended, what guards it, and what every plug-in is given."""
