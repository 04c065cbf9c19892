"""One daemon per data folder: an advisory lock held for life and never unlinked.

Unlinking would let a second holder lock a new file of the same name while the first still holds
the old one. The kernel drops the lock when the process ends, however it ends.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from ledger.errors import StartError

LOCK_NAME = "lock"


@contextmanager
def hold(folder: Path) -> Generator[None]:
    """Hold the lock of `folder`, which is made when absent.

    Raises StartError when another process holds it or the folder cannot be used.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o750)
        descriptor = os.open(folder / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    except OSError as error:
        raise StartError(f"cannot use the data folder {folder}: {error.strerror}") from error
    try:
        _take(descriptor, folder)
        _sign(descriptor, folder)
        yield
    finally:
        os.close(descriptor)


def _take(descriptor: int, folder: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        pid = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
        raise StartError(f"another trimtabd (pid {pid}) is using {folder}") from None


def _sign(descriptor: int, folder: Path) -> None:
    """Leave our pid for whoever finds the lock taken; raises StartError on a full disk."""
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    except OSError as error:
        raise StartError(f"cannot use the data folder {folder}: {error.strerror}") from error
