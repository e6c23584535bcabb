"""Announces changes of state on EventBridge's default bus, as the AWS services do.

Delivery is best effort on AWS as well: the change stands when nobody can hear of it.
"""

import json
import logging

from ..host.context import LocalContext
from ..host.relies_on import ReliesOn

logger = logging.getLogger("tidemark.state_events")


def announce(context: LocalContext, source: str, kind: str, detail: dict, resources: list[str]) -> None:
    """Puts one event; `source` is the service (`aws.glue`), `kind` the detail type. Times in `detail` are
    milliseconds.
    """
    from ministack.core.responses import request_scope
    from ministack.services import eventbridge

    entry = {"Source": source, "DetailType": kind, "Detail": json.dumps(detail), "Resources": resources}
    try:
        with request_scope(context.account, context.region):
            eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)
    except Exception:
        logger.exception("%s of %s could not be announced", kind, source)


RELIES_ON = [
    ReliesOn("core.responses", functions={"request_scope": "(account_id, region)"}),
    ReliesOn("services.eventbridge", functions={"_put_events": "(data, allow_aws_source)"}),
]
