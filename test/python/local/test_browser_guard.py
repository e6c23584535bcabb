"""No web page that a developer visits reaches the local cloud, by raw HTTP as a browser sends it."""

import http.client
import json
import re
import socket
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError
from jobs_support import allow, running_cloud

LAMBDA = "/2015-03-31/functions"
OWN_ENDPOINTS = [
    ("POST", "/_ministack/reset"),
    ("POST", "/_ministack/config"),
    ("GET", "/_ministack/ready"),
    ("GET", "/_ministack/sqs/messages"),
    ("GET", "/_ministack/lambda-code/f"),
    ("GET", "/_localstack/health"),
    ("GET", "/_localstack/init"),
    ("GET", "/health"),
    ("GET", "/_aws/sqs/messages"),
    ("GET", "/_ministack/cfn-response/token"),
    ("GET", "/_ministack//reset"),
]


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with running_cloud(tmp_path_factory.mktemp("guard")) as cloud:
        cloud.put("kept", "v")
        yield cloud


def ask(cloud, method, path, headers=None, body=b""):
    """Status, headers (names in lower case) and body; `Host` is this machine unless given."""
    address = urlsplit(cloud.endpoint)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=20)
    try:
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in {"Host": address.netloc, "Content-Length": str(len(body)), **(headers or {})}.items():
            if value is not None:
                connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def signed(cloud, method="GET", path="/", body=b"", service="s3"):
    """Headers of a valid request of the account's root."""
    request = cloud.signed(method, path, body, service)
    return dict(request.header_items())


def still_there(cloud):
    return cloud.keys("kept") == ["kept"]


@pytest.mark.parametrize(
    "host",
    [
        "rebound.evil.example",
        "rebound.evil.example:{port}",
        "127.0.0.1",
        "localhost:1",
        "127.0.0.1.evil.example:{port}",
        "localhost.evil.example:{port}",
        "127.0.0.1:{port}.evil.example",
        "a.execute-api.evil.example:{port}",
        "evil.example@127.0.0.1:{port}",
        "0.0.0.0:{port}",
        "[::1]:{port}",
        "",
        None,
    ],
)
def test_another_host_is_refused_even_with_valid_credentials(cloud, host):
    port = urlsplit(cloud.endpoint).port
    headers = signed(cloud)
    headers["Host"] = host.format(port=port) if host is not None else None
    status, _, _ = ask(cloud, "GET", "/", headers)
    assert status in (400, 403), "HTTP/1.1 without Host may be refused by the server itself"


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "LOCALHOST"])
def test_this_machine_is_served(cloud, name):
    host = f"{name}:{urlsplit(cloud.endpoint).port}"
    assert ask(cloud, "GET", "/_ministack/health", {"Host": host})[0] == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:3000", "{endpoint}", ""])
@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "OPTIONS", "DELETE"])
def test_a_page_is_refused_whatever_it_is_allowed_to_send(cloud, method, origin):
    headers = signed(cloud, method, "/a-bucket-of-a-page") if method != "OPTIONS" else {}
    headers["Origin"] = origin.format(endpoint=cloud.endpoint)
    headers["Access-Control-Request-Method"] = "PUT"
    status, answered, _ = ask(cloud, method, "/a-bucket-of-a-page", headers)
    assert status == 403
    assert not [name for name in answered if name.startswith("access-control-")]
    assert "a-bucket-of-a-page" not in [item["Name"] for item in cloud.s3.list_buckets()["Buckets"]]


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none"])
def test_what_a_browser_loads_without_an_origin_is_refused(cloud, site):
    """An image, a script, a link or a form."""
    assert ask(cloud, "GET", "/_ministack/health", {"Sec-Fetch-Site": site})[0] == 403


@pytest.mark.parametrize(("method", "path"), OWN_ENDPOINTS)
def test_the_emulators_own_endpoints_are_closed(cloud, method, path):
    assert ask(cloud, method, path)[0] == 403
    assert ask(cloud, method, path, signed(cloud, method, path))[0] == 403
    assert still_there(cloud)


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/"), ("PUT", "/open"), ("GET", f"{LAMBDA}/"), ("GET", "/tidemark-jobs/kept")]
)
def test_nobody_is_somebody_without_credentials(cloud, method, path):
    status, _, body = ask(cloud, method, path)
    assert status == 403 and b"credentials" in body


@pytest.mark.parametrize("key", ["test", "000000000000", "123456789012", "AKIAIOSFODNN7EXAMPLE"])
@pytest.mark.parametrize("service", ["s3", "iam", "lambda", "dynamodb", "sts"])
def test_no_well_known_key_is_root(cloud, key, service):
    calls = {
        "s3": "list_buckets",
        "iam": "list_roles",
        "lambda": "list_functions",
        "dynamodb": "list_tables",
        "sts": "get_caller_identity",
    }
    with pytest.raises(ClientError) as refused:
        getattr(cloud.client(service, key, "test"), calls[service])()
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] in (400, 403)


@pytest.mark.parametrize("service", ["s3", "lambda", "sts"])
def test_the_key_without_its_secret_is_refused(cloud, service):
    call = {"s3": "list_buckets", "lambda": "list_functions", "sts": "get_caller_identity"}[service]
    with pytest.raises(ClientError, match=r"SignatureDoesNotMatch|signature"):
        getattr(cloud.client(service, cloud.root[0], "guessed"), call)()


@pytest.mark.parametrize(
    "query", ["X-Amz-Credential=test%2F20260101%2Fus-east-1%2Fs3%2Faws4_request", "AWSAccessKeyId=test"]
)
def test_a_key_in_the_query_must_sign_too(cloud, query):
    """What a simple request of a page may send."""
    assert ask(cloud, "PUT", f"/by-query?{query}")[0] in (400, 403)
    assert ask(cloud, "PUT", f"/by-query?{query.replace('test', cloud.root[0])}")[0] in (400, 403)
    assert "by-query" not in [item["Name"] for item in cloud.s3.list_buckets()["Buckets"]]


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_a_link_is_good_as_it_was_signed(cloud, version):
    client = cloud.client("s3", signature_version=version)
    link = client.generate_presigned_url("get_object", {"Bucket": cloud.bucket, "Key": "kept"})
    path = link.removeprefix(cloud.endpoint)
    assert ask(cloud, "GET", path)[2] == b"v"
    assert ask(cloud, "GET", re.sub("(Signature=)..", r"\1__", path))[0] in (400, 403)
    assert ask(cloud, "GET", path.replace("/kept", "/other"))[0] in (400, 403)


def test_who_has_the_secret_is_root(cloud):
    assert cloud.sts.get_caller_identity()["Arn"] == "arn:aws:iam::000000000000:root"


def test_each_run_has_a_secret_of_its_own(cloud, tmp_path):
    with running_cloud(tmp_path) as other:
        assert not set(other.root) & set(cloud.root)
        with pytest.raises(ClientError):
            other.client("s3", *cloud.root).list_buckets()
        ready = tmp_path / "ready.json"
        assert ready.stat().st_mode & 0o077 == 0
        assert other.root[1] not in (tmp_path / "cloud.log").read_text()


def test_a_functions_keys_can_not_be_made_from_its_name(cloud):
    """They open what its role may do, so they are as secret as a job's."""
    import hashlib

    from delivery_support import Function

    source = "export const handler = async () => ({ key: process.env.AWS_ACCESS_KEY_ID });"
    function = Function(cloud, "keys", allow("s3:*"), source=source)
    answer = cloud.client("lambda").invoke(FunctionName="keys")
    key = json.loads(answer["Payload"].read())["key"]
    guessed = hashlib.sha256(f"{function.arn}:{function.role}".encode()).hexdigest()
    assert key != f"ASIA{guessed[:16].upper()}"


def test_a_websocket_of_a_page_is_closed(cloud):
    address = urlsplit(cloud.endpoint)
    with socket.create_connection((address.hostname, address.port), 10) as connection:
        connection.sendall(
            f"GET /_aws/execute-api/a/b HTTP/1.1\r\nHost: {address.netloc}\r\nOrigin: https://evil.example\r\n"
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )
        assert b" 403 " in connection.recv(4096).splitlines()[0]
