"""Lake Formation, as far as the product asks it: whether IAM alone decides over the Data Catalog.

https://docs.aws.amazon.com/lake-formation/latest/dg/change-settings.html: initially ""Use only IAM access control"
settings are enabled for new Data Catalog resources"; DataLakeSettings in the API reference: "A value that assigns ALL
to IAM_ALLOWED_PRINCIPALS indicates access control by IAM permissions".
"""

import json

from ..host.context import LocalContext
from ..host.plugin import Plugin
from ..host.relies_on import ReliesOn

_BY_IAM = [{"Principal": {"DataLakePrincipalIdentifier": "IAM_ALLOWED_PRINCIPALS"}, "Permissions": ["ALL"]}]


def register(context: LocalContext) -> None:
    """Adds GetDataLakeSettings and PutDataLakeSettings to MiniStack. Call it once."""
    from ministack import app
    from ministack.core import iam_actions, router

    settings = {
        "DataLakeAdmins": [],
        "ReadOnlyAdmins": [],
        "CreateDatabaseDefaultPermissions": _BY_IAM,
        "CreateTableDefaultPermissions": _BY_IAM,
        "Parameters": {"CROSS_ACCOUNT_VERSION": "4"},
        "TrustedResourceOwners": [],
        "AllowExternalDataFiltering": False,
    }

    async def handle(method: str, path: str, headers: dict, body: bytes, query_params: dict) -> tuple[int, dict, bytes]:
        status, answer = 200, {}
        if path == "/GetDataLakeSettings":
            answer = {"DataLakeSettings": settings}
        elif path == "/PutDataLakeSettings":
            # What is not given is taken away: the request carries the whole of the settings.
            given = json.loads(body)["DataLakeSettings"]
            for name in ("CreateDatabaseDefaultPermissions", "CreateTableDefaultPermissions", "DataLakeAdmins"):
                settings[name] = given.get(name, [])
        else:
            status, answer = 400, {"Message": f"The local cloud does not know {path.lstrip('/')} of Lake Formation."}
        headers = {"Content-Type": "application/json"}
        if status != 200:
            headers["x-amzn-errortype"] = "InvalidInputException"
        return status, headers, json.dumps(answer).encode()

    router.SERVICE_PATTERNS["lakeformation"] = {"credential_scope": "lakeformation"}
    app.SERVICE_HANDLERS["lakeformation"] = handle
    iam_actions.SERVICE_TO_IAM_NAMESPACE["lakeformation"] = "lakeformation"
    iam_actions._BOTOCORE_SERVICE_MAP["lakeformation"] = ["lakeformation"]


PLUGIN = Plugin(
    name="lake_formation.settings",
    service="Lake Formation",
    words=__doc__,
    alone="Does not have it.",
    register=register,
    operations=["lakeformation:GetDataLakeSettings"],
    relies_on=[
        ReliesOn("app", values=["SERVICE_HANDLERS"]),
        ReliesOn("core.iam_actions", values=["SERVICE_TO_IAM_NAMESPACE", "_BOTOCORE_SERVICE_MAP"]),
        ReliesOn("core.router", values=["SERVICE_PATTERNS"]),
    ],
)
