"""Remembers that a role was allowed a use of a key, for as long as every text that decided it is the same.

A stream of requests by one role asks the same question over and over; evaluating the policies anew costs about as much
as serving a small request. What is kept is only an Allow, beside the very texts that led to it: a policy of the role or
of the key that is replaced, or a key that is switched off, is seen by the next request.
"""

import re
from typing import Any

from ..host.relies_on import ReliesOn

# What a policy can ask about that differs from one request of the same session to the next.
_CHANGING = re.compile(
    r"aws:(currenttime|epochtime|sourceip|tokenissuetime|multifactorauthage|principaltag|userid|username)", re.I
)
_MOST = 4096
_allowed: dict[tuple, tuple] = {}

Question = tuple
Texts = tuple


def texts(access_key_id: str, key: dict[str, Any], account: str) -> Texts | None:
    """All that decides for this session, its ARN first: the role's inline policies, the key's policy, state and grants.
    None where more has a
    say (users, managed policies, boundaries, session policies), or something that changes from request to request."""
    from ministack.services import iam, kms, sts

    session = sts._sessions.get(access_key_id)
    if not session or session.get("SessionPolicies") or ":assumed-role/" not in session.get("Arn", ""):
        return None
    role = iam._roles.get_scoped(account, None, session["Arn"].split("/")[1])
    if not role or role.get("AttachedPolicies") or role.get("PermissionsBoundary"):
        return None
    grants = [identity for identity, grant in list(kms._grants.items()) if grant["KeyId"] == key["Arn"]]
    inline = (role.get("InlinePolicies") or {}).values()
    return (session["Arn"], *inline, key.get("Policy"), key["KeyState"], *grants)


def known(question: Question, decided_by: Texts | None) -> bool:
    """Whether exactly these texts have allowed it before."""
    return decided_by is not None and _allowed.get((decided_by[0], question)) == decided_by


def keep(question: Question, decided_by: Texts | None) -> None:
    """Remembers an Allow."""
    if decided_by is None or any(_CHANGING.search(str(text)) for text in decided_by):
        return
    if len(_allowed) >= _MOST:
        _allowed.clear()
    _allowed[decided_by[0], question] = decided_by


RELIES_ON = [
    ReliesOn("services.iam", values=["_roles"]),
    ReliesOn("services.kms", values=["_grants"]),
    ReliesOn("services.sts", values=["_sessions"]),
]
