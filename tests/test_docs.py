"""The documents name what exists: files, functions, commands, keys and links."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from daemon.client import cli
from daemon.config import load
from daemon.supervisor import BUDGET
from wire.mailbox import HANDOVER_S

ROOT = Path(__file__).parent.parent
DOCS = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "systemd").glob("*.md")]
)
ROOMS = ("ledger", "kernels", "policy", "wire", "store", "broker", "hw", "actors", "web", "daemon")


def names_in(path: Path) -> set[str]:
    """Functions, classes and Class.method of a module; for other sources every word."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        return set(re.findall(r"\w+", text))
    found: set[str] = set()
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            members = [
                m for m in node.body if isinstance(m, ast.FunctionDef | ast.AsyncFunctionDef)
            ]
            found |= {f"{node.name}.{member.name}" for member in members}
    return found


def test_the_way_of_one_euro_names_functions_that_exist() -> None:
    text = (ROOT / "docs/one-euro.md").read_text(encoding="utf-8")
    rows = re.findall(r"`([a-z_]+/\w+\.\w+)` ((?:`[\w.]+`(?:, )?)*)", text)
    assert len(rows) >= 20
    for file, mentioned in rows:
        known = names_in(ROOT / file)
        for name in re.findall(r"`([\w.]+)`", mentioned):
            inherited = name.split(".")[-1] in {known_name.split(".")[-1] for known_name in known}
            assert name in known or inherited, f"{file} has no {name}"


@pytest.mark.parametrize("document", DOCS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_and_paths_lead_somewhere(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", text):
        assert (document.parent / target).exists(), f"{document.name} links to {target}"
    for room, rest in re.findall(rf"`({'|'.join(ROOMS)})(/[\w/]+\.\w+)`", text):
        assert (ROOT / (room + rest)).exists(), f"{document.name} names {room}{rest}"


def test_the_readme_fits_one_screen_and_names_the_two_commands() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 60
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in ("run", "test"):
        assert f"make {target}" in text
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)


def test_the_readme_lists_every_command_of_the_client() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    listed = re.search(r"`trimtab (status[^`]*)`", text)
    assert listed is not None
    assert set(re.split(r" · ", listed[1])) | {"run"} == set(cli.commands) | {"run"}


def test_the_architecture_page_names_every_room_and_every_actor() -> None:
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    assert [room for room in ROOMS if f"`{room}`" not in text] == []
    actors = {"sync", "planner", "trader", "rebalancer", "drip", "schedule", "upkeep", "ticker"}
    assert [actor for actor in sorted(actors | {"matrix"}) if actor not in text] == []


def test_the_bounds_the_architecture_page_states_are_the_real_ones() -> None:
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    assert f"after {HANDOVER_S:g} s" in text
    assert BUDGET.crashes == 5
    assert BUDGET.window_s == 600
    assert "five crashes in ten minutes" in text


def test_every_key_of_the_configuration_is_documented(tmp_path: Path) -> None:
    page = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")
    config = load(None, data=tmp_path, demo=False, environ={})
    assert config.broker == "paper"
    source = (ROOT / "daemon/config.py").read_text(encoding="utf-8")
    keys = re.findall(r"reader\.get\(\s*\"(\w+)\",\s*\"(\w+)\"", source)
    assert len(keys) >= 14
    missing = [f"[{table}] {key}" for table, key in keys if f"`{key}`" not in page]
    assert missing == []


def test_every_change_is_told_to_the_owner() -> None:
    entries = sorted((ROOT / "changes").glob("*.md"))
    assert entries
    for entry in entries:
        assert re.fullmatch(r"\d{4}\.(feature|fix|safety|doc|misc)\.md", entry.name)
        assert len(entry.read_text(encoding="utf-8").split()) >= 10


def test_every_invariant_is_explained_and_put_to_the_test() -> None:
    page = (ROOT / "docs/simulation.md").read_text()
    tests = (ROOT / "tests/sim/test_months.py").read_text()
    counts = {"O": 13, "C": 10, "M": 7, "K": 10, "S": 4}
    for name in (f"{letter}{n}" for letter, most in counts.items() for n in range(1, most + 1)):
        assert f"| {name} |" in page
        assert f"def test_{name.lower()}_" in tests
