"""CloudWatch: metrics, those in log events too, and alarms."""
