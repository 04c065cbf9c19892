"""Every room is imported from here, and no other distribution owns its name."""

from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from daemon.names import ROOMS, check_rooms
from ledger.errors import StartError

ROOT = Path(__file__).parents[1]


def test_all_rooms_share_one_parent_directory() -> None:
    check_rooms()


def test_no_other_distribution_owns_a_room() -> None:
    owners = packages_distributions()
    assert {name for room in ROOMS for name in owners.get(room, [])} <= {"trimtab"}


def test_a_room_from_elsewhere_stops_the_start() -> None:
    with pytest.raises(StartError, match=r"do not belong to .*: json \("):
        check_rooms(["ledger", "json"])


def test_a_missing_room_stops_the_start() -> None:
    with pytest.raises(StartError, match=r"attic \(not found\)"):
        check_rooms(["attic"])


def test_every_room_is_packaged_and_every_package_is_in_a_room() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    line = next(line for line in text.splitlines() if line.startswith("packages = "))
    packages = {part.strip(' "[]') for part in line.removeprefix("packages = ").split(",")}
    assert {package.split(".")[0] for package in packages} == set(ROOMS)


def test_the_constraints_name_the_distributions_that_would_collide() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = {line.split("<")[0] for line in lines if line and not line.startswith("#")}
    assert {"python-daemon", "web.py", "kernels", "actors", "hw"} <= pins
    assert all(line.endswith("<0") for line in lines if line and not line.startswith("#"))
