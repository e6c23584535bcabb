"""Ends the whole process group of the local cloud once the cloud itself is gone, however it went.

Run as `python -I -S guardian.py <read end of a pipe>`. Only the cloud holds the write end: when it exits, crashes or
is killed with SIGKILL, the pipe closes, and Lambda workers and whatever else still runs in its group are ended. It
ignores the signals that stop the cloud, for its work begins after them.
"""

import os
import signal
import sys
import time

for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
os.read(int(sys.argv[1]), 1)
time.sleep(0.2)  # the cloud's own children get a moment to see their closed pipes
os.killpg(os.getpgrp(), signal.SIGKILL)
