"""`python -m tidemark_local --state-dir DIR`: runs the local cloud until SIGTERM, SIGINT or the end of its parent."""

import argparse
import os
import sys
from pathlib import Path

from .host import launch
from .service_quotas.quotas import PROFILES


def main() -> int:
    parser = argparse.ArgumentParser(prog="tidemark_local", description="The local cloud, on loopback only.")
    parser.add_argument("--state-dir", type=Path, required=True, help="private folder of this run; made when missing")
    parser.add_argument(
        "--temporary", action="store_true", help="the folder is of this run alone: if killed, the next start removes it"
    )
    parser.add_argument("--port", type=int, default=0, help="0 takes a free port")
    parser.add_argument(
        "--ready-file",
        type=Path,
        help="JSON with endpoint, port, pid and credentials, written once requests are served",
    )
    parser.add_argument("--node", type=Path, help="the node executable that runs the Lambda functions")
    parser.add_argument("--parent-pid", type=int, help="stop when this process ends")
    parser.add_argument(
        "--time-scale",
        type=float,
        default=1.0,
        help="seconds here for a second that AWS waits in deployments, alarms and Wait states",
    )
    parser.add_argument("--quotas", choices=PROFILES, default="established", help="the account's service quotas")
    options = parser.parse_args()
    if not 0 < options.time_scale <= 1:
        parser.error(f"--time-scale {options.time_scale:g} found: more than 0, and at most 1, is allowed")
    if options.node and not os.access(options.node, os.X_OK):
        parser.error(f"--node {options.node} is not an executable file: give the path of a node binary")
    return launch.run(
        options.state_dir,
        options.port,
        options.ready_file,
        options.node,
        options.parent_pid,
        time_scale=options.time_scale,
        quotas=options.quotas,
        temporary=options.temporary,
    )


if __name__ == "__main__":
    sys.exit(main())
