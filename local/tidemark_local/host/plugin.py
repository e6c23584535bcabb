"""What a plug-in of the local cloud says of itself."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from .context import LocalContext
from .relies_on import ReliesOn

_URL = re.compile(r"https://[^\s)>\"'`]*[^\s)>\"'`.,:;]")


@dataclass(frozen=True)
class Plugin:
    """One plug-in: what it does for which service, after whose words, and what of the emulator it relies on.

    `name` is that of its module below `tidemark_local`; `words` the module's docstring, whose first sentence says what
    the plug-in does and whose addresses are AWS's words that it follows. `alone` says what the emulator does without
    it. `operations` are those that it adds or changes, as `kinesis:SplitShard` with botocore's name of the API; all
    requests, when there is none. `templates` maps a type of CloudFormation to what of it is replaced (create, update,
    delete); `new_templates` are types that the emulator does not have. `register` is called once, before requests are
    served.
    """

    name: str
    service: str
    words: str | None
    alone: str
    register: Callable[[LocalContext], object]
    operations: Sequence[str] = ()
    templates: Mapping[str, Sequence[str]] = field(default_factory=dict)
    new_templates: Sequence[str] = ()
    relies_on: Sequence[ReliesOn] = ()

    @property
    def does(self) -> str:
        """The first sentence of its words, on one line."""
        return " ".join((self.words or "").partition("\n\n")[0].split())

    @property
    def sources(self) -> tuple[str, ...]:
        """The addresses in its words, in order, each once."""
        return tuple(dict.fromkeys(_URL.findall(self.words or "")))
