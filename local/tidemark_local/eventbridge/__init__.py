"""EventBridge: targets of rules and schedules, and the events that services send."""

CLOCK_SECONDS = 1
"""Between two looks at what is due; the emulator looks every ten seconds."""
