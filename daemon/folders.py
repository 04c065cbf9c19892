"""Where the data and the control socket live when nobody says otherwise.

Daemon and client must agree on this, and the client starts without loading the daemon.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

SOCKET_NAME = "control.sock"
SYSTEM_SOCKET = Path("/run/trimtab") / SOCKET_NAME


def data_folder(environ: Mapping[str, str]) -> Path:
    """The folder the service manager gives ($STATE_DIRECTORY, first of a list), else the user's."""
    given = environ.get("STATE_DIRECTORY", "").split(":")[0]
    if given:
        return Path(given)
    return _home(environ) / ".local" / "share" / "trimtab"


def control_socket(data: Path, environ: Mapping[str, str], *, data_named: bool) -> Path:
    """In the runtime directory of the service; in the data folder when that one was named."""
    runtime = environ.get("RUNTIME_DIRECTORY", "").split(":")[0]
    if runtime and not data_named:
        return Path(runtime) / SOCKET_NAME
    return data / SOCKET_NAME


def socket_to_call(
    *, socket: Path | None, data: Path | None, environ: Mapping[str, str], system: Path
) -> Path:
    """The socket a client calls: the one named, else the service's, else the user's own."""
    if socket is not None:
        return socket
    if data is not None:
        return data / SOCKET_NAME
    own = control_socket(data_folder(environ), environ, data_named=False)
    return system if system.exists() and not own.exists() else own


def entry_there(path: Path) -> bool:
    """Whether the folder has such an entry, be it a dead link; one that cannot be read has it."""
    try:
        path.lstat()
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return True


def _home(environ: Mapping[str, str]) -> Path:
    home = environ.get("HOME", "")
    return Path(home) if home else Path.home()
