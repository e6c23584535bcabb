"""IAM: who a caller is, what its policies are asked about, and the record of refusals."""
