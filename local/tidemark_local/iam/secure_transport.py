"""Requests to the local cloud count as sent over TLS.

Bucket policies and topics deny requests with `aws:SecureTransport` false
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/amazon-s3-policy-keys.html). The local cloud listens on loopback
without a certificate, and no byte leaves this machine; with the condition as it is, every role would be refused its own
bucket. The deployed policies stay as they are in the account.
"""

from ministack import app

from ..host.context import LocalContext
from ..host.plugin import Plugin
from ..host.relies_on import ReliesOn


def register(_context: LocalContext) -> None:
    """Takes the transport of every request for TLS. Call it once, before requests are served."""
    pin = app.pin_request_origin

    def pin_as_tls(source_ip: str, _secure_transport: bool) -> None:
        pin(source_ip, True)

    app.pin_request_origin = pin_as_tls


PLUGIN = Plugin(
    name="iam.secure_transport",
    service="IAM",
    words=__doc__,
    alone="Says of every request that it came without TLS.",
    register=register,
    relies_on=[
        ReliesOn(
            "app",
            functions={"pin_request_origin": "(source_ip, secure_transport)"},
            has={"app": ["pin_request_origin("]},
        )
    ],
)
