"""DynamoDB Streams: "DynamoDB streams are always encrypted with a table-level encryption key", so reading records
decrypts it (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html)."""

from ...host.relies_on import ReliesOn
from ..keys import KeyUse
from . import Request, dynamodb, text

answer = dynamodb.answer


def uses(request: Request) -> list[KeyUse]:
    from ministack.services import dynamodb_streams

    if request.operation != "GetRecords":
        return []
    position = dynamodb_streams._decode_iterator(text(request.members, "ShardIterator")) or {}
    use = dynamodb.use_of_table(str(position.get("t", "")), request.account)
    return [use] if use else []


RELIES_ON = [ReliesOn("services.dynamodb_streams", functions={"_decode_iterator": "(token)"})]
