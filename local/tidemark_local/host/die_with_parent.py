"""Becomes the given command, after asking the kernel to end it together with the local cloud.

Run as `python -I -S die_with_parent.py <argv…>`: a job or endpoint process must not outlive the cloud that started
it, not even when that is killed with SIGKILL and can clean up nothing. On systems without prctl only the orderly stop
remains.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1

if sys.platform == "linux":
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
os.execv(sys.argv[1], sys.argv[1:])
