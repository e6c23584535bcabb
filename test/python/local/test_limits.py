"""Each limit in local/tidemark_local/host/limits.json: what is at the limit is taken, what is beyond is refused."""

import pytest
from botocore.exceptions import ClientError
from jobs_support import running_cloud
from limits_cases import CASES
from limits_support import Beyond
from tidemark_local.host.limits import limit, table


@pytest.fixture(scope="module")
def aws(tmp_path_factory):
    with running_cloud(tmp_path_factory.mktemp("limits")) as cloud:
        yield Beyond(cloud)


# Held by a test of its own: an answer that is cut, a wait, a number that differs, or no request at all.
ELSEWHERE = {
    "dynamodb.batch-get-bytes",
    "emf.dimensions",
    "emf.metrics",
    "emf.values",
    "http-api.payload-bytes",
    "http-api.timeout-ms",
    "kinesis.request-bytes",
    "lambda.response-bytes",
}


def test_every_limit_of_the_table_is_tested():
    assert sorted([*CASES, *ELSEWHERE]) == sorted(table())
    assert list(table()) == sorted(table())
    assert all(row["source"] and row["sentence"] for row in table().values())


# The model's own word for an endpoint that isn't there has the same code as the limit.
MESSAGE = {"sagemaker.invoke-bytes": "less than or equal to"}


@pytest.mark.parametrize("name", CASES)
def test_what_is_beyond_a_limit_is_refused_and_what_is_at_it_is_not(aws, name):
    call, code = CASES[name]
    try:
        call(aws, limit(name))
    except ClientError as error:
        assert name in MESSAGE and MESSAGE[name] not in str(error), error
    with pytest.raises(ClientError) as found:
        call(aws, limit(name) + 1)
    assert found.value.response["Error"]["Code"] == code
    assert MESSAGE.get(name, "") in str(found.value)
