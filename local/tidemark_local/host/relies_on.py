"""What the local cloud takes for granted of MiniStack, so that an upgrade that changes it is found by a test.

A plug-in replaces a function of MiniStack by setting its name in its module. That works only while the function's
callers look the name up in that module at the time of the call, and while it is called as the plug-in expects. So each
module that uses a private name, or replaces any, says so: plug-ins in their record, modules that help them in
`RELIES_ON`. test_emulator_contract.py holds it against the pinned MiniStack, and against the module's own source.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class ReliesOn:
    """What is taken for granted of one module of MiniStack.

    `module` is its name below `ministack`. `functions` are called or replaced: name → parameters, as `(data, name)`.
    `values` are tables, classes and settings. `has` maps a function to what its source holds: a name that it looks up
    when it is called, or the defect that a plug-in mends; `lacks` to what its source does not hold: when it does, the
    emulator has mended it, and the plug-in may be able to go.
    """

    module: str
    functions: Mapping[str, str] = field(default_factory=dict)
    values: Sequence[str] = ()
    has: Mapping[str, Sequence[str]] = field(default_factory=dict)
    lacks: Mapping[str, Sequence[str]] = field(default_factory=dict)
