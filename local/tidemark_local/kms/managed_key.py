"""SSE-KMS without a key's name means the AWS managed key.

"If you specify x-amz-server-side-encryption:aws:kms …, but do not provide x-amz-server-side-encryption-aws-kms-key-id,
Amazon S3 uses the Amazon Web Services managed key (aws/s3) to protect the data"
(https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html). The
emulator refuses such a request; the CDK publishes its assets so, as its bootstrap bucket has no key of its own.
"""

from ministack.core.responses import get_account_id, get_region
from ministack.services import s3

from ..host.context import LocalContext
from ..host.plugin import Plugin
from ..host.relies_on import ReliesOn

_ALGORITHM = "x-amz-server-side-encryption"
_KEY = f"{_ALGORITHM}-aws-kms-key-id"


def register(_context: LocalContext) -> None:
    """Names the AWS managed key where a write names none. Call it once, before requests are served."""
    resolve = s3._resolve_sse_write_headers

    def resolve_with_key(headers: dict[str, str], bucket_name: str):
        if headers.get(_ALGORITHM) == "aws:kms" and not headers.get(_KEY):
            managed = f"arn:aws:kms:{get_region()}:{get_account_id()}:alias/aws/s3"
            headers = {**headers, _KEY: managed}
        return resolve(headers, bucket_name)

    s3._resolve_sse_write_headers = resolve_with_key


PLUGIN = Plugin(
    name="kms.managed_key",
    service="KMS",
    words=__doc__,
    alone="Refuses a request that asks for SSE-KMS without naming a key.",
    register=register,
    operations=["s3:PutObject", "s3:CreateMultipartUpload"],
    relies_on=[
        ReliesOn(
            "services.s3",
            functions={"_resolve_sse_write_headers": "(headers, bucket_name)"},
            has={
                "_put_object": ["_resolve_sse_write_headers"],
                "_create_multipart_upload": ["_resolve_sse_write_headers"],
            },
        )
    ],
)
