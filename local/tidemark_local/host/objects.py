"""Moves data between S3 and a container's folders, with the role's credentials."""

import tarfile
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from botocore.exceptions import BotoCoreError, ClientError


class DownloadError(Exception):
    """Input, sources or a model could not be fetched; the message is the reason SageMaker gives."""


def split_uri(uri: str) -> tuple[str, str]:
    """Bucket and key of an s3:// URI."""
    parts = urlparse(uri)
    if parts.scheme != "s3" or not parts.netloc:
        raise DownloadError(f"'{uri}' is not an S3 URI: write s3://bucket/key.")
    return parts.netloc, parts.path.lstrip("/")


def fetch(s3: Any, uri: str, target: Path) -> None:
    """Downloads one object."""
    bucket, key = split_uri(uri)
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with target.open("wb") as file:
            for chunk in s3.get_object(Bucket=bucket, Key=key)["Body"].iter_chunks(1 << 20):
                file.write(chunk)
    except (ClientError, BotoCoreError) as error:
        raise DownloadError(f"{uri}: {error}") from error


def fetch_channel(s3: Any, source: dict, target: Path, role_arn: str, region: str) -> None:
    """Downloads an S3DataSource (API reference, S3DataSource) into a channel's folder.

    S3Prefix takes every object whose key starts with the prefix, under its path after the prefix's folder. ManifestFile
    names objects relative to the prefix in its first element.
    """
    uri, kind = source["S3Uri"], source["S3DataType"]
    if kind not in ("S3Prefix", "ManifestFile"):
        raise DownloadError(f"S3DataType {kind} is not supported here: use S3Prefix or ManifestFile.")
    target.mkdir(parents=True, exist_ok=True)
    if kind == "ManifestFile":
        _fetch_manifest(s3, uri, target)
        return
    bucket, prefix = split_uri(uri)
    found = False
    try:
        for answer in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for item in answer.get("Contents", []):
                key = item["Key"]
                if not key.endswith("/"):
                    found = True
                    fetch(s3, f"s3://{bucket}/{key}", _inside(target, _relative(key, prefix)))
    except (ClientError, BotoCoreError) as error:
        raise DownloadError(
            f"Access denied or no answer when listing {uri}: {error}. Please ensure that the role {role_arn} "
            f'has "s3:ListBucket" permissions on bucket "{bucket}".'
        ) from error
    if not found:
        raise DownloadError(
            f'No S3 objects found under S3 URL "{uri}" given in input data source. Please ensure that the bucket '
            f"exists in "
            f"the selected region ({region}), that objects exist under that S3 prefix, and that the role "
            f'"{role_arn}" has '
            f'"s3:ListBucket" permissions on bucket "{bucket}".'
        )


def _relative(key: str, prefix: str) -> str:
    folder = prefix if prefix.endswith("/") or not prefix else prefix + "/"
    return key[len(folder) :] if key.startswith(folder) else key[prefix.rfind("/") + 1 :]


def _inside(folder: Path, relative: str) -> Path:
    """The path of a downloaded object; a key with `..` may not leave the folder."""
    path = (folder / relative).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise DownloadError(f"The object key '{relative}' leaves its channel's folder.")
    return path


def _fetch_manifest(s3: Any, uri: str, target: Path) -> None:
    import json

    manifest = target.parent / f"{target.name}-manifest"
    fetch(s3, uri, manifest)
    try:
        head, *names = json.loads(manifest.read_text())
        prefix = head["prefix"]
    except (ValueError, KeyError, TypeError):
        raise DownloadError(f'{uri} is not a manifest: [{{"prefix": "s3://…"}}, "name", …] is expected.') from None
    for name in names:
        fetch(s3, prefix + name, _inside(target, name))


def unpack(archive: Path, target: Path) -> None:
    """Extracts a tar.gz; members that would leave the folder are refused."""
    target.mkdir(parents=True, exist_ok=True)
    try:
        with tarfile.open(archive, "r:gz") as tar:
            tar.extractall(target, filter="data")
    except (tarfile.TarError, OSError, EOFError) as error:
        raise DownloadError(f"{archive.name} is not a gzipped tar archive that can be extracted: {error}") from error


def upload_folder(s3: Any, folder: Path, uri: str, kms_key_id: str | None) -> bool:
    """Packs a folder's contents as tar.gz and uploads it to `uri`; False when there is nothing to upload."""
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    if not files:
        return False
    archive = folder.parent / f"{folder.name}.upload.tar.gz"
    with tarfile.open(archive, "w:gz", compresslevel=1) as tar:
        for path in files:
            tar.add(path, arcname=path.name)
    bucket, key = split_uri(uri)
    encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key_id} if kms_key_id else {}
    with archive.open("rb") as body:
        s3.put_object(Bucket=bucket, Key=key, Body=body, **encryption)
    archive.unlink()
    return True
