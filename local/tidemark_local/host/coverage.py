"""Prints what the local cloud covers as JSON, for the page of the reference: `python -m tidemark_local.host.coverage`.

`services` are those of the emulator that are on; `plugins` are records of what each adds to them.
"""

import json
import sys

from .launch import SERVICES
from .registry import plugins


def coverage() -> dict[str, list]:
    return {
        "services": list(SERVICES),
        "plugins": [
            {
                "name": plugin.name,
                "service": plugin.service,
                "alone": plugin.alone,
                "does": plugin.does,
                "operations": list(plugin.operations),
                "templates": [*plugin.templates, *plugin.new_templates],
                "sources": list(plugin.sources),
            }
            for plugin in plugins()
        ],
    }


if __name__ == "__main__":
    json.dump(coverage(), sys.stdout)
