"""S3 with SSE-KMS: writing an object generates its data key, reading one decrypts it.

PutObject needs kms:GenerateDataKey, GetObject kms:Decrypt, a copy both. "To perform a multipart upload with encryption
using an … KMS key, the requester must have permission to the kms:Decrypt and kms:GenerateDataKey actions on the key":
the latter for CreateMultipartUpload, the former for UploadPart and UploadPartCopy, "because Amazon S3 must decrypt and
read data from the encrypted file parts before it completes the multipart upload"
(https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateMultipartUpload.html). HeadObject needs both only with
`x-amz-checksum-mode` (API_HeadObject.html). The encryption context is `aws:s3:arn`: the object's ARN, with an S3 Bucket
Key the bucket's (https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html).
"""

from typing import Any
from urllib.parse import unquote
from xml.sax.saxutils import escape

from ...host.relies_on import ReliesOn
from ..keys import DECRYPT, GENERATE, KeyRefusal, KeyUse
from . import Request

_KMS = ("aws:kms", "aws:kms:dsse")
_HEADER = "x-amz-server-side-encryption"
_KEY_HEADER = f"{_HEADER}-aws-kms-key-id"
# Requests about an object that touch no data of it.
_SUBRESOURCES = {"acl", "attributes", "legal-hold", "restore", "retention", "tagging", "torrent"}
_ERRORS = {
    "denied": ("AccessDenied", 403),
    "not-found": ("KMS.NotFoundException", 400),
    "disabled": ("KMS.DisabledException", 400),
    "invalid-state": ("KMS.KMSInvalidStateException", 400),
}


def uses(request: Request) -> list[KeyUse]:
    from ministack.services import s3

    bucket, key = s3._parse_bucket_key(request.path, request.headers)
    if not key or _SUBRESOURCES & request.query.keys():
        return []
    method, query = request.method, request.query
    if "uploadId" in query:
        return _of_parts(request, bucket, key)
    if method == "POST":
        return _of_write(request, bucket, key) if "uploads" in query else _of_read(bucket, key, query)
    if method == "PUT":
        return _of_source(request) + _of_write(request, bucket, key)
    if method == "GET":
        return _of_read(bucket, key, query)
    if method == "HEAD" and request.headers.get("x-amz-checksum-mode", "").upper() == "ENABLED":
        read = _of_read(bucket, key, query)
        return read + [KeyUse(GENERATE, use.key, "s3", use.encryption_context) for use in read]
    return []


def answer(refusal: KeyRefusal) -> tuple[int, dict[str, str], bytes]:
    code, status = _ERRORS[refusal.kind]
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{code}</Code><Message>{escape(refusal.message)}</Message></Error>"
    )
    return status, {"Content-Type": "application/xml"}, body.encode()


def _of_parts(request: Request, bucket: str, key: str) -> list[KeyUse]:
    from ministack.services import s3

    if request.method not in ("PUT", "POST"):
        return []
    upload = s3._multipart_uploads.get(request.query["uploadId"][0]) or {}
    return _of_source(request) + _of_stored(bucket, key, upload, DECRYPT)


def _of_write(request: Request, bucket: str, key: str) -> list[KeyUse]:
    from ministack.services import s3

    wanted: dict[str, Any] = request.headers
    if not wanted.get(_HEADER):
        wanted = s3._bucket_default_sse_headers(bucket)
    if wanted.get(_HEADER) not in _KMS or not wanted.get(_KEY_HEADER):
        return []
    return [KeyUse(GENERATE, wanted[_KEY_HEADER], "s3", _context(bucket, key))]


def _of_source(request: Request) -> list[KeyUse]:
    source = unquote(request.headers.get("x-amz-copy-source", "")).lstrip("/")
    if not source:
        return []
    name, _, version = source.partition("?versionId=")
    bucket, _, key = name.partition("/")
    return _of_read(bucket, key, {"versionId": [version]} if version else {})


def _of_read(bucket: str, key: str, query: dict[str, list[str]]) -> list[KeyUse]:
    from ministack.services import s3

    version = (query.get("versionId") or [""])[0]
    stored = ((s3._buckets.get(bucket) or {}).get("objects") or {}).get(key)
    if version and version != "null":
        entries = s3._object_versions.get((bucket, key), [])
        stored = next((s3._object_record_from_version(e) for e in entries if e["version_id"] == version), None)
    return _of_stored(bucket, key, stored or {}, DECRYPT)


def _of_stored(bucket: str, key: str, stored: dict[str, Any], action: str) -> list[KeyUse]:
    kept = stored.get("preserved_headers") or {}
    if kept.get(_HEADER) not in _KMS or not kept.get(_KEY_HEADER):
        return []
    return [KeyUse(action, kept[_KEY_HEADER], "s3", _context(bucket, key))]


def _context(bucket: str, key: str) -> dict[str, str]:
    """By the bucket's present configuration: which context an object was written with is not kept."""
    from ministack.services import s3

    by_bucket = "<BucketKeyEnabled>true</BucketKeyEnabled>" in (s3._bucket_encryption.get(bucket) or "")
    return {"aws:s3:arn": f"arn:aws:s3:::{bucket}" if by_bucket else f"arn:aws:s3:::{bucket}/{key}"}


RELIES_ON = [
    ReliesOn(
        "services.s3",
        functions={
            "_bucket_default_sse_headers": "(bucket_name)",
            "_object_record_from_version": "(v)",
            "_parse_bucket_key": "(path, headers)",
        },
        values=["_bucket_encryption", "_buckets", "_multipart_uploads", "_object_versions"],
    )
]
