"""Are the rooms really ours? Several of their names belong to other published packages too.

If one of those is installed beside us, imports can silently come from it. The daemon refuses to
run then: half of another program must not trade.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

from ledger.errors import StartError

ROOMS = (
    "ledger", "kernels", "policy", "wire", "store", "broker", "hw", "actors", "web", "daemon",
)  # fmt: skip


def check_rooms(rooms: Iterable[str] = ROOMS) -> None:
    """Raise StartError unless every room is imported from the folder this program is in."""
    home = Path(__file__).resolve().parent.parent
    strangers = [f"{room} ({place})" for room in rooms for place in _places(room) if place != home]
    if strangers:
        raise StartError(
            f"these packages do not belong to {home}: {', '.join(strangers)}; "
            "install trimtab in a virtual environment of its own"
        )


def _places(room: str) -> list[Path | str]:
    """The parent folders `room` would be imported from; normally one."""
    spec = find_spec(room)
    if spec is None or not spec.submodule_search_locations:
        return ["not found"]
    return [Path(place).resolve().parent for place in spec.submodule_search_locations]
