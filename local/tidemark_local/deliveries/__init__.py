"""What AWS services deliver on their own: alarms, rules, schedules, topics, HTTP APIs, asynchronous invocations.

The emulator delivers without asking a policy, a role or a key, once, and forgets what failed. Each module here says
which page of AWS it follows instead.
"""

from ..context import LocalContext
from . import (
    alarm_actions,
    api_integrations,
    async_invocations,
    rule_targets,
    schedule_targets,
    topic_subscriptions,
)


def register(context: LocalContext) -> None:
    """Takes over the deliveries. Call it once, before requests are served."""
    alarm_actions.register(context)
    rule_targets.register(context)
    schedule_targets.register(context)
    topic_subscriptions.register(context)
    async_invocations.register(context)
    api_integrations.register(context)
