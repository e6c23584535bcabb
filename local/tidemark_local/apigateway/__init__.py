"""HTTP APIs of API Gateway: their way to functions, and their limits."""
