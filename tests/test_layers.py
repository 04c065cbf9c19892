"""Who may import whom: the contracts of pyproject.toml hold."""

import subprocess
import sys
import tomllib
from pathlib import Path

from daemon.names import ROOMS

ROOT = Path(__file__).parents[1]
LINT = "from importlinter.cli import lint_imports_command; lint_imports_command()"


def test_no_room_imports_what_it_must_not() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LINT, "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


def test_every_room_is_under_a_contract_and_nobody_may_import_the_daemon() -> None:
    linter = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    assert set(linter["root_packages"]) == set(ROOMS)
    barred = {
        room
        for contract in linter["contracts"]
        if "daemon" in contract.get("forbidden_modules", [])
        for room in contract["source_modules"]
    }
    assert barred == set(ROOMS) - {"daemon"}
