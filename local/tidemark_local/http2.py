"""Lets a client end an HTTP/2 connection in order, as the Kinesis client of the AWS SDK for JavaScript does.

"Activity on streams numbered lower than or equal to the last stream identifier might still complete successfully"
after a GOAWAY (RFC 9113, section 6.8, https://www.rfc-editor.org/rfc/rfc9113.html#section-6.8). The server's HTTP/2
library takes the client's GOAWAY for the end at once, so answers under way are cut off. Here the streams go on, and
the client closes the connection.
"""

from h2.connection import ConnectionInputs, ConnectionState, H2ConnectionStateMachine
from h2.errors import ErrorCodes
from h2.events import ConnectionTerminated, Event
from hypercorn.protocol.h2 import H2Protocol

_OPEN = ConnectionState.SERVER_OPEN


def register() -> None:
    """Changes the server's handling of GOAWAY. Call it once, before requests are served."""
    transitions = dict(H2ConnectionStateMachine._transitions)
    transitions[(_OPEN, ConnectionInputs.RECV_GOAWAY)] = (None, _OPEN)
    H2ConnectionStateMachine._transitions = transitions
    handle = H2Protocol._handle_events

    async def handle_events(self: H2Protocol, events: list[Event]) -> None:
        await handle(self, [event for event in events if not _in_order(event)])

    H2Protocol._handle_events = handle_events


def _in_order(event: Event) -> bool:
    return isinstance(event, ConnectionTerminated) and event.error_code == ErrorCodes.NO_ERROR
