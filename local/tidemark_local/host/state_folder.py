"""The private folder of a run, and what runs that were killed left beside it."""

import fcntl
import os
import shutil
from pathlib import Path

_LOCK = "run.lock"
_held: list[int] = []


def prepare(folder: Path, *, temporary: bool) -> None:
    """Makes the folder, for this user alone. A `temporary` one is marked as this run's for as long as it lives, and
    those of runs that ended without removing theirs (SIGKILL) go.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    (folder / "tmp").mkdir(mode=0o700, exist_ok=True)
    if temporary:
        _hold(folder)
        for other in folder.parent.glob("tidemark-*"):
            if other != folder:
                _remove_if_left(other)


def _hold(folder: Path) -> None:
    # Locked before it has its name: nobody finds it without its lock.
    unfinished = folder / f"{_LOCK}.new"
    descriptor = os.open(unfinished, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    unfinished.replace(folder / _LOCK)
    _held.append(descriptor)


def _remove_if_left(folder: Path) -> None:
    """A lock, and no process id: ids are used again, and other containers may share the folder of temporary files."""
    try:
        if folder.is_symlink() or folder.stat().st_uid != os.getuid():
            return
        descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_NOFOLLOW)
    except OSError:
        return  # no folder of a run, or gone meanwhile
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    except BlockingIOError:
        pass  # its run lives
    finally:
        os.close(descriptor)
