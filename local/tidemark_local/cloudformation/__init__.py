"""CloudFormation: what it refuses, and what it calls things."""
