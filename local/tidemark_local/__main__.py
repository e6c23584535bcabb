"""`python -m tidemark_local --state-dir DIR`: runs the local cloud until SIGTERM, SIGINT or the end of its parent."""

import argparse
import os
import sys
from pathlib import Path

from . import launch


def main() -> int:
    parser = argparse.ArgumentParser(prog="tidemark_local", description="The local cloud, on loopback only.")
    parser.add_argument("--state-dir", type=Path, required=True, help="private folder of this run; made when missing")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free port")
    parser.add_argument(
        "--ready-file", type=Path, help="JSON with endpoint, port and pid, written once requests are served"
    )
    parser.add_argument("--node", type=Path, help="the node executable that runs the Lambda functions")
    parser.add_argument("--parent-pid", type=int, help="stop when this process ends")
    options = parser.parse_args()
    if options.node and not os.access(options.node, os.X_OK):
        parser.error(f"--node {options.node} is not an executable file: give the path of a node binary")
    return launch.run(options.state_dir, options.port, options.ready_file, options.node, options.parent_pid)


if __name__ == "__main__":
    sys.exit(main())
