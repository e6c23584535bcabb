"""Lambda functions: what their errors look like, and their asynchronous invocations."""
