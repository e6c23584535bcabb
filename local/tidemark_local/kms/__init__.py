"""KMS: who may use the key that encrypts a resource."""
