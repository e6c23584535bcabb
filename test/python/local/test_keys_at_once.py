"""What was allowed a moment ago is not, once a policy of the role or of the key, the key's state or a grant changes."""

from collections.abc import Callable
from typing import Any

import pytest
from jobs_support import allow, document, running_cloud
from keys_support import ACCOUNT, TO_ACCOUNT, new_key, refused

ROLE = "reader"
MANAGED = f"arn:aws:iam::{ACCOUNT}:policy/decrypts"
DENY = {"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "kms:Decrypt", "Resource": "*"}
KEYS = document(allow("dynamodb:*"), allow("kms:Decrypt"))
NO_KEYS = document(allow("dynamodb:*"))


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with running_cloud(tmp_path_factory.mktemp("cloud")) as running:
        yield running


@pytest.fixture(scope="module")
def key(cloud):
    return new_key(cloud)


def session_of(cloud, name: str) -> Any:
    """DynamoDB as a session of a new role."""
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
    role = cloud.iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trust))["Role"]["Arn"]
    session = cloud.sts.assume_role(RoleArn=role, RoleSessionName="session")["Credentials"]
    return cloud.client("dynamodb", session["AccessKeyId"], session["SecretAccessKey"], session["SessionToken"])


@pytest.fixture(scope="module")
def read(cloud, key) -> Callable[[], None]:
    """Reads an encrypted table in one session of the role, as a function or a job does."""
    cloud.dynamodb.create_table(
        TableName="scores",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key},
    )
    client = session_of(cloud, ROLE)
    cloud.iam.create_policy(PolicyName="decrypts", PolicyDocument=document(allow("kms:Decrypt")))
    return lambda: client.get_item(TableName="scores", Key={"id": {"S": "1"}})


def of_role(cloud, policy: str) -> None:
    cloud.iam.put_role_policy(RoleName=ROLE, PolicyName="grants", PolicyDocument=policy)


def of_key(cloud, key: str, *statements: dict) -> None:
    cloud.kms.put_key_policy(KeyId=key, PolicyName="default", Policy=document(*statements))


def give(cloud, key) -> None:
    of_role(cloud, NO_KEYS)
    operations = {"KeyId": key, "GranteePrincipal": f"arn:aws:iam::{ACCOUNT}:role/{ROLE}", "Operations": ["Decrypt"]}
    cloud.kms.create_grant(**operations)


def take(cloud, key) -> None:
    for grant in cloud.kms.list_grants(KeyId=key)["Grants"]:
        cloud.kms.revoke_grant(KeyId=key, GrantId=grant["GrantId"])


# what changes → (how it is allowed, how no longer)
CHANGES = {
    "a policy of the role": (lambda cloud, key: of_role(cloud, KEYS), lambda cloud, key: of_role(cloud, NO_KEYS)),
    "the key's policy": (
        lambda cloud, key: of_role(cloud, KEYS),
        lambda cloud, key: of_key(cloud, key, TO_ACCOUNT, DENY),
    ),
    "the key's state": (
        lambda cloud, key: of_role(cloud, KEYS),
        lambda cloud, key: cloud.kms.disable_key(KeyId=key),
    ),
    "a grant": (give, take),
    "a managed policy": (
        lambda cloud, key: [of_role(cloud, NO_KEYS), cloud.iam.attach_role_policy(RoleName=ROLE, PolicyArn=MANAGED)],
        lambda cloud, key: cloud.iam.detach_role_policy(RoleName=ROLE, PolicyArn=MANAGED),
    ),
    "a boundary": (
        lambda cloud, key: of_role(cloud, KEYS),
        lambda cloud, key: cloud.iam.put_role_permissions_boundary(
            RoleName=ROLE, PermissionsBoundary="arn:aws:iam::aws:policy/AmazonDynamoDBFullAccess"
        ),
    ),
}


@pytest.fixture(autouse=True)
def as_before(cloud, key):
    cloud.kms.enable_key(KeyId=key)
    of_key(cloud, key, TO_ACCOUNT)
    yield


@pytest.mark.parametrize("change", CHANGES)
def test_the_next_request_sees_it(cloud, key, read, change):
    allowed, no_longer = CHANGES[change]
    allowed(cloud, key)
    read()
    read()  # by then it is remembered
    no_longer(cloud, key)
    assert refused(read)["code"] == "AccessDeniedException"


def test_one_role_is_not_taken_for_another_with_the_same_policies(cloud, key, read):
    cloud.iam.delete_role_permissions_boundary(RoleName=ROLE)
    other = session_of(cloud, "other")
    cloud.iam.put_role_policy(RoleName="other", PolicyName="grants", PolicyDocument=KEYS)
    of_role(cloud, KEYS)
    of_key(cloud, key, TO_ACCOUNT, {**DENY, "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:role/other"}})
    read()
    refused(lambda: other.get_item(TableName="scores", Key={"id": {"S": "1"}}))
