"""A listening unix socket that never takes the place of a living one; the control socket's."""

from __future__ import annotations

import socket
import stat
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from ledger.errors import StartError

MODE = 0o660
BACKLOG = 16
PROBE_S = 2.0


@contextmanager
def listening(path: Path) -> Generator[socket.socket]:
    """A socket listening at `path`, which is gone again afterwards.

    Raises StartError when the path is taken or cannot be used.
    """
    _remove_stale(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
        listener.bind(str(path))
        path.chmod(MODE)  # before anybody can connect
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise StartError(f"cannot listen on the control socket {path}: {error}") from error
    try:
        yield listener
    finally:
        listener.close()
        path.unlink(missing_ok=True)


def _remove_stale(path: Path) -> None:
    """Remove what a dead daemon left behind, but only after nobody answered there."""
    try:
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise StartError(f"{path} is in the way of the control socket")
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(PROBE_S)
        try:
            probe.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            path.unlink(missing_ok=True)
            return
        except OSError as error:
            raise StartError(f"cannot tell who uses the socket {path}: {error}") from error
    raise StartError(f"another process answers at the control socket {path}")
