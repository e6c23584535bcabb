"""DynamoDB: every access to a table decrypts the table key.

"DynamoDB sends a request to AWS KMS to use the KMS key to decrypt the table key"; it "does so on behalf of the user
who is accessing the DynamoDB resource". The encryption context is `aws:dynamodb:tableName` and
`aws:dynamodb:subscriberId`; streams and indexes use the table's key. To create a table, "DynamoDB calls CreateGrant on
behalf of the user who created the encrypted table"
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html). So writes need
kms:Decrypt as well as reads do (https://github.com/aws/aws-cdk/issues/10010, which also shows the error's text).
"""

import re
import uuid
from typing import Any

from ...host.relies_on import ReliesOn
from ..keys import CREATE_GRANT, DECRYPT, DESCRIBE, KeyRefusal, KeyUse
from . import Request, json_answer, passed_on, text

_BY_TABLE = {"GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan"}
_BY_REQUEST_ITEMS = {"BatchGetItem", "BatchWriteItem"}
_BY_TRANSACTION = {"TransactGetItems", "TransactWriteItems"}
_PARTIQL = {"ExecuteStatement", "BatchExecuteStatement", "ExecuteTransaction"}
_PARTIQL_TABLE = re.compile(r"""\b(?:FROM|INTO|UPDATE)\s+"?([A-Za-z0-9_.-]+)"?""", re.IGNORECASE)


def uses(request: Request) -> list[KeyUse]:
    operation, members = request.operation, request.members
    if operation in ("CreateTable", "UpdateTable"):
        wanted = members.get("SSESpecification")
        key = text(wanted, "KMSMasterKeyId") if isinstance(wanted, dict) else ""
        context = _context(text(members, "TableName"), request.account)
        return [KeyUse(action, key, "dynamodb", context) for action in (DESCRIBE, CREATE_GRANT)] if key else []
    return [use for name in _tables(operation, members) if (use := use_of_table(name, request.account))]


def use_of_table(name: str, account: str) -> KeyUse | None:
    """The use that any access to the table's data makes of its key; None without a customer managed key."""
    from ministack.services import dynamodb

    table = dynamodb._tables.get(name)
    key = ((table or {}).get("SSEDescription") or {}).get("KMSMasterKeyArn")
    return KeyUse(DECRYPT, key, "dynamodb", _context(name, account)) if key else None


def answer(refusal: KeyRefusal) -> tuple[int, dict[str, str], bytes]:
    return json_answer(400, "com.amazon.coral.service#AccessDeniedException", message(refusal))


def message(refusal: KeyRefusal) -> str:
    return (
        "KMS key access denied error: com.amazonaws.services.kms.model.AWSKMSException: "
        f"{passed_on(refusal, str(uuid.uuid4()))}"
    )


def _tables(operation: str, members: dict[str, Any]) -> list[str]:
    if operation in _BY_TABLE:
        named = [members.get("TableName")]
    elif operation in _BY_REQUEST_ITEMS:
        named = list(members.get("RequestItems") or {})
    elif operation in _BY_TRANSACTION:
        named = [action.get("TableName") for action in _actions(members)]
    elif operation in _PARTIQL:
        texts = [members.get("Statement")] + [
            item.get("Statement") for item in members.get("Statements") or members.get("TransactStatements") or []
        ]
        named = [name for statement in texts if statement for name in _PARTIQL_TABLE.findall(statement)]
    else:
        return []
    # A table may be named by its ARN.
    names = [name.rsplit(":table/", 1)[-1].split("/")[0] for name in named if isinstance(name, str)]
    return list(dict.fromkeys(names))


def _actions(members: dict[str, Any]) -> list[dict[str, Any]]:
    items = members.get("TransactItems")
    entries = [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
    return [action for entry in entries for action in entry.values() if isinstance(action, dict)]


def _context(table: str, account: str) -> dict[str, str]:
    return {"aws:dynamodb:tableName": table, "aws:dynamodb:subscriberId": account}


RELIES_ON = [ReliesOn("services.dynamodb", values=["_tables"])]
