"""SNS: the subscriptions of topics."""
