"""The key that a template gives a table, stream, bucket or topic, where the emulator's CloudFormation drops it.

`SSESpecification` of AWS::DynamoDB::Table, of AWS::DynamoDB::GlobalTable with the key in its `Replicas`,
`StreamEncryption` of AWS::Kinesis::Stream, `BucketEncryption` of AWS::S3::Bucket and `KmsMasterKeyId` of
AWS::SNS::Topic, as the template reference defines them
(https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-template-resource-type-ref.html). They are kept
where the services' own calls keep them, so that DescribeTable, DescribeStream, GetBucketEncryption and
GetTopicAttributes answer them.
"""

from collections.abc import Callable
from typing import Any
from xml.sax.saxutils import escape

from ministack.core.responses import get_region
from ministack.services import dynamodb, kinesis, s3, sns
from ministack.services.cloudformation import provisioners

from ..host.context import LocalContext
from ..host.plugin import Plugin
from ..host.relies_on import ReliesOn

Properties = dict[str, Any]


def register(_context: LocalContext) -> None:
    """Keeps the keys of templates. Call it once, before anything is deployed."""
    for kind, keep in {
        "AWS::DynamoDB::Table": _of_table,
        "AWS::DynamoDB::GlobalTable": _of_global_table,
        "AWS::Kinesis::Stream": _of_stream,
        "AWS::S3::Bucket": _of_bucket,
        "AWS::SNS::Topic": _of_topic,
    }.items():
        _keep(provisioners._RESOURCE_HANDLERS[kind], keep)


def _keep(handlers: dict[str, Any], keep: Callable[[str, Properties], None]) -> None:
    create, update = handlers["create"], handlers["update"]

    def create_with_key(logical_id: str, properties: Properties, stack_name: str):
        physical_id, attributes = create(logical_id, properties, stack_name)
        keep(physical_id, properties)
        return physical_id, attributes

    def update_with_key(physical_id: str, old: Properties, new: Properties, stack_name: str, *more: Any, **named: Any):
        physical_id, attributes = update(physical_id, old, new, stack_name, *more, **named)
        keep(physical_id, new)
        return physical_id, attributes

    handlers.update(create=create_with_key, update=update_with_key)


def _of_table(name: str, properties: Properties) -> None:
    _describe(name, properties.get("SSESpecification"))


def _of_global_table(name: str, properties: Properties) -> None:
    """The key stands with the replica of this region, `SSEEnabled` with the table."""
    specification = properties.get("SSESpecification")
    replica = next((item for item in properties.get("Replicas") or [] if item.get("Region") == get_region()), {})
    _describe(name, specification and {**specification, **(replica.get("SSESpecification") or {})})


def _describe(name: str, specification: Properties | None) -> None:
    wanted = None
    if specification and str(specification.get("SSEEnabled")).lower() == "true":
        wanted = {**specification, "Enabled": True}
    dynamodb._tables[name]["SSEDescription"] = dynamodb._sse_description_from_spec(wanted)


def _of_stream(name: str, properties: Properties) -> None:
    stream, wanted = kinesis._streams[name], properties.get("StreamEncryption") or {}
    stream["EncryptionType"] = wanted.get("EncryptionType", "NONE")
    if wanted.get("KeyId"):
        stream["KeyId"] = wanted["KeyId"]
    else:
        stream.pop("KeyId", None)


def _of_topic(arn: str, properties: Properties) -> None:
    attributes, key = sns._topics[arn]["attributes"], properties.get("KmsMasterKeyId")
    if key:
        attributes["KmsMasterKeyId"] = key
    else:
        attributes.pop("KmsMasterKeyId", None)


def _of_bucket(name: str, properties: Properties) -> None:
    rules = (properties.get("BucketEncryption") or {}).get("ServerSideEncryptionConfiguration") or []
    if not rules:
        s3._bucket_encryption.pop(name, None)
        return
    rule = rules[0]
    default = rule.get("ServerSideEncryptionByDefault") or {}
    key = default.get("KMSMasterKeyID")
    s3._bucket_encryption[name] = (
        f'<ServerSideEncryptionConfiguration xmlns="{s3.S3_NS}"><Rule><ApplyServerSideEncryptionByDefault>'
        f"<SSEAlgorithm>{default.get('SSEAlgorithm', 'AES256')}</SSEAlgorithm>"
        + (f"<KMSMasterKeyID>{escape(key)}</KMSMasterKeyID>" if key else "")
        + "</ApplyServerSideEncryptionByDefault>"
        f"<BucketKeyEnabled>{str(rule.get('BucketKeyEnabled', False)).lower()}</BucketKeyEnabled>"
        "</Rule></ServerSideEncryptionConfiguration>"
    )


PLUGIN = Plugin(
    name="kms.template_keys",
    service="KMS",
    words=__doc__,
    alone="Drops the key that a template gives.",
    register=register,
    templates={
        "AWS::DynamoDB::Table": ["create", "update"],
        "AWS::DynamoDB::GlobalTable": ["create", "update"],
        "AWS::Kinesis::Stream": ["create", "update"],
        "AWS::S3::Bucket": ["create", "update"],
        "AWS::SNS::Topic": ["create", "update"],
    },
    relies_on=[
        ReliesOn(
            "services.cloudformation.provisioners",
            values=["_RESOURCE_HANDLERS"],
            has={"_ddb_create": ['"SSEDescription": None']},
            lacks={
                "_kinesis_stream_create": ["StreamEncryption"],
                "_s3_apply_configurations": ["BucketEncryption"],
                "_sns_create": ["KmsMasterKeyId"],
            },
        ),
        ReliesOn("services.dynamodb", functions={"_sse_description_from_spec": "(spec)"}, values=["_tables"]),
        ReliesOn("services.kinesis", values=["_streams"]),
        ReliesOn("services.s3", values=["_bucket_encryption"]),
        ReliesOn("services.sns", values=["_topics"]),
    ],
)
