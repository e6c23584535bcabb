"""The features table in DynamoDB: its items, and how they are read and written."""
