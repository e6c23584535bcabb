"""Nobody acts as the account's root but whoever has the secret of this run.

The emulator lets `test`, any twelve digits and requests without credentials act as root, unsigned, and derives a
function's keys from names. Here root is one access key of this run, signed for as Signature Version 4 asks
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html), and functions have their role's session as jobs
do.
"""

from ..host.context import LocalContext
from ..host.plugin import Plugin
from ..host.relies_on import ReliesOn


def register(context: LocalContext) -> None:
    """Closes the emulator's built-in keys. Call it once, before requests are served."""
    from ministack.core import iam_evaluator, lambda_runtime
    from ministack.services import lambda_svc, sts

    def none_is_root(_access_key_id: str) -> bool:
        return False

    iam_evaluator.is_root_access_key = none_is_root
    sts.is_root_access_key = none_is_root
    root = f"arn:aws:iam::{context.account}:root"
    sts.register_session(
        context.access_key_id,
        {
            "Arn": root,
            "UserId": context.account,
            "AccountId": context.account,
            "PrincipalType": "Root",
            "SecretAccessKey": context.secret_access_key,
        },
    )

    def of_the_role(config: dict) -> dict[str, str]:
        return context.role_credentials(config.get("Role", ""), config.get("FunctionName", "function"))

    lambda_runtime.execution_credentials = of_the_role
    lambda_svc.execution_credentials = of_the_role


PLUGIN = Plugin(
    name="iam.run_credentials",
    service="IAM",
    words=__doc__,
    alone="Lets `test`, any twelve digits and requests without credentials act as root, unsigned.",
    register=register,
    relies_on=[
        ReliesOn(
            "core.iam_evaluator",
            functions={"is_root_access_key": "(access_key_id)"},
            has={"resolve_credential": ["is_root_access_key"]},
        ),
        ReliesOn(
            "core.lambda_runtime",
            functions={"execution_credentials": "(config)"},
            has={"Worker": ["execution_credentials(self.config)"]},
        ),
        ReliesOn(
            "services.lambda_svc",
            functions={"execution_credentials": "(config)"},
            has={"_execute_function_local": ["execution_credentials"]},
        ),
        ReliesOn(
            "services.sts",
            functions={"is_root_access_key": "(access_key_id)", "register_session": "(access_key, session)"},
            has={"_access_key_account": ["is_root_access_key"]},
        ),
    ],
)
