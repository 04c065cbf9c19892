"""The files of this project, for tests about how they are written."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
ELSEWHERE = frozenset({".git", ".venv", "build", "dist", "node_modules", "__pycache__"})


@cache
def files(*suffixes: str) -> tuple[str, ...]:
    """Paths below the root with one of `suffixes`: those git knows, or all without git."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.split("\0")
    except (OSError, subprocess.CalledProcessError):
        listed = [path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*")]
    return tuple(
        sorted(
            path
            for path in listed
            if path.endswith(suffixes)
            and not ELSEWHERE.intersection(path.split("/"))
            and (ROOT / path).is_file()
        )
    )


@cache
def text(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")
