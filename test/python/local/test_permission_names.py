"""A statement that a template adds to a function's policy can be removed by its name, however long its stack's is."""

import json

from jobs_support import LOGS, allow, running_cloud, until

STACK = "s" * 60
PERMISSION = "P" * 60


def test_a_long_name_is_shortened_to_what_lambda_takes(tmp_path):
    with running_cloud(tmp_path) as cloud:
        resources = {
            "Fn": {
                "Type": "AWS::Lambda::Function",
                "Properties": {
                    "FunctionName": "named",
                    "Runtime": "nodejs24.x",
                    "Handler": "index.handler",
                    "Role": cloud.role("named", "lambda", allow(LOGS)),
                    "Code": {"ZipFile": "export const handler = async () => 1;"},
                },
            },
            PERMISSION: {
                "Type": "AWS::Lambda::Permission",
                "Properties": {
                    "FunctionName": {"Ref": "Fn"},
                    "Action": "lambda:InvokeFunction",
                    "Principal": "sns.amazonaws.com",
                },
            },
        }
        cloud.cloudformation.create_stack(StackName=STACK, TemplateBody=json.dumps({"Resources": resources}))
        until(
            lambda: cloud.cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]["StackStatus"],
            lambda status: status == "CREATE_COMPLETE",
        )
        functions = cloud.client("lambda")
        [statement] = json.loads(functions.get_policy(FunctionName="named")["Policy"])["Statement"]
        assert len(statement["Sid"]) == 100
        functions.remove_permission(FunctionName="named", StatementId=statement["Sid"])
