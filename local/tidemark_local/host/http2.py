"""Lets a client end an HTTP/2 connection in order, as the Kinesis client of the AWS SDK for JavaScript does.

"Activity on streams numbered lower than or equal to the last stream identifier might still complete successfully"
after a GOAWAY (RFC 9113, section 6.8, https://www.rfc-editor.org/rfc/rfc9113.html#section-6.8). The server's HTTP/2
library takes the client's GOAWAY for the end at once, so answers under way are cut off. Here the streams go on, and
the client closes the connection.

Over HTTP/2 that client signs `:authority` in place of `host`, which is its name there (RFC 9113, section 8.3.1), and
AWS takes it. The server hands it on as `host` alone, so that no signature would be right: here it has both names.
"""

from collections.abc import Awaitable, Callable

from h2.connection import ConnectionInputs, ConnectionState, H2ConnectionStateMachine
from h2.errors import ErrorCodes
from h2.events import ConnectionTerminated, Event
from hypercorn.protocol.h2 import H2Protocol

from .context import LocalContext
from .plugin import Plugin
from .relies_on import ReliesOn

_OPEN = ConnectionState.SERVER_OPEN


def register(_context: LocalContext) -> None:
    """Changes the server's handling of GOAWAY. Call it once, before requests are served."""
    transitions = dict(H2ConnectionStateMachine._transitions)
    transitions[(_OPEN, ConnectionInputs.RECV_GOAWAY)] = (None, _OPEN)
    H2ConnectionStateMachine._transitions = transitions
    handle = H2Protocol._handle_events

    async def handle_events(self: H2Protocol, events: list[Event]) -> None:
        await handle(self, [event for event in events if not _in_order(event)])

    H2Protocol._handle_events = handle_events
    from ministack import app

    app.app = _with_authority(app.app)


def _with_authority(app: Callable[[dict, Callable, Callable], Awaitable[None]]) -> Callable:
    async def handle(scope: dict, receive: Callable, send: Callable) -> None:
        if scope.get("http_version") == "2":
            named = [(b":authority", value) for name, value in scope["headers"] if name == b"host"]
            scope = {**scope, "headers": [*scope["headers"], *named]}
        await app(scope, receive, send)

    return handle


def _in_order(event: Event) -> bool:
    return isinstance(event, ConnectionTerminated) and event.error_code == ErrorCodes.NO_ERROR


PLUGIN = Plugin(
    name="host.http2",
    service="HTTP",
    words=__doc__,
    alone="Takes the client's GOAWAY for the end of the connection, and cuts off answers under way.",
    register=register,
    relies_on=[ReliesOn("app", functions={"app": "(scope, receive, send)"})],
)
