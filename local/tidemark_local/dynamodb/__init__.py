"""DynamoDB: what its answers and stream records tell besides the items."""
