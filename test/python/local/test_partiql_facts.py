"""Where BatchExecuteStatement of the local cloud is known to differ from AWS. Nothing of ours uses PartiQL."""

import pytest
from aws_facts import answer, check
from botocore.exceptions import ClientError
from jobs_support import running_cloud


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with running_cloud(tmp_path_factory.mktemp("partiql")) as cloud:
        cloud.dynamodb.create_table(
            TableName="things",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        )
        yield cloud


def run(cloud, *statements: str, **settings) -> dict:
    return cloud.dynamodb.batch_execute_statement(
        Statements=[{"Statement": statement, **settings} for statement in statements], ReturnConsumedCapacity="TOTAL"
    )


def refused(cloud, *statements: str) -> str | None:
    try:
        run(cloud, *statements)
    except ClientError as error:
        return error.response["Error"]["Message"]
    return None


def test_costs_are_those_of_an_update(cloud):
    cloud.dynamodb.put_item(TableName="things", Item={"pk": {"S": "big"}, "data": {"S": "x" * 2900}})
    found = run(cloud, "UPDATE things SET data='small' WHERE pk='big'")
    check("dynamodb.partiql-update-capacity", found["ConsumedCapacity"][0]["CapacityUnits"])


def test_a_failed_condition_does_not_bring_the_item_back(cloud):
    cloud.dynamodb.put_item(TableName="things", Item={"pk": {"S": "old"}, "n": {"N": "1"}})
    settings = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    [response] = run(cloud, "UPDATE things SET n=2 WHERE pk='old' AND n=7", **settings)["Responses"]
    assert response["Error"]["Code"] == answer("dynamodb.partiql-condition-code")
    check("dynamodb.partiql-condition-item", "Item" in response["Error"])


def test_the_same_item_twice_and_reads_beside_writes_are_refused(cloud):
    twice = ("UPDATE things SET n=2 WHERE pk='old'", "UPDATE things SET m=2 WHERE pk='old'")
    check("dynamodb.partiql-duplicates", refused(cloud, *twice))
    check("dynamodb.partiql-mixed", refused(cloud, twice[0], "SELECT * FROM things WHERE pk='big'"))


def test_an_update_makes_no_item(cloud):
    [response] = run(cloud, "UPDATE things SET n=2 WHERE pk='never'")["Responses"]
    assert response["Error"]["Code"] == answer("dynamodb.partiql-condition-code")
    assert "Item" not in cloud.dynamodb.get_item(TableName="things", Key={"pk": {"S": "never"}})
