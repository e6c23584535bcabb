"""An HTTP API and its function in the running local cloud: the function's policy decides."""

import json
import urllib.error
import urllib.request

import pytest
from aws_facts import answer
from delivery_support import ACCOUNT, Function, denials
from jobs_support import running_cloud


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with running_cloud(tmp_path_factory.mktemp("api")) as cloud:
        yield cloud


def test_an_http_api_calls_a_function_only_for_the_routes_that_its_policy_names(cloud):
    function = Function(cloud, "behind")
    api = cloud.apigatewayv2.create_api(Name="api", ProtocolType="HTTP")["ApiId"]
    integration = cloud.apigatewayv2.create_integration(
        ApiId=api, IntegrationType="AWS_PROXY", IntegrationUri=function.arn, PayloadFormatVersion="2.0"
    )["IntegrationId"]
    for path in ("/open", "/closed"):
        cloud.apigatewayv2.create_route(ApiId=api, RouteKey=f"POST {path}", Target=f"integrations/{integration}")
    cloud.apigatewayv2.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
    function.let("apigateway.amazonaws.com", f"arn:aws:execute-api:us-east-1:{ACCOUNT}:{api}/*/*/open")

    def post(path: str) -> tuple[int, dict]:
        port = cloud.endpoint.rsplit(":", 1)[-1]
        host = {"Host": f"{api}.execute-api.localhost:{port}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{cloud.endpoint}{path}", data=b"{}", headers=host, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                return response.status, json.loads(response.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    assert post("/open") == (200, {"done": True})
    refused = answer("apigateway.function-policy")
    assert post("/closed") == (refused["status"], refused["body"])
    function.forbid()
    assert post("/open")[0] == refused["status"]
    assert [line["action"] for line in denials(cloud, "apigateway.amazonaws.com")] == ["lambda:InvokeFunction"] * 2
    assert len(function.calls()) == 1
