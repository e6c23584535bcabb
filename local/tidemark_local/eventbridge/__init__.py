"""EventBridge: targets of rules and schedules, and the events that services send."""
