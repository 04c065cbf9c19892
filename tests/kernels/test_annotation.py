"""The compiled loops hold no interpreter lock, and the annotation of Cython proves it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kernels.conftest import EXTENSIONS

KERNELS = Path(__file__).parents[2] / "kernels"
LINE = re.compile(r'<pre class="cython line score-(\d+)"[^>]*>\+?<span class="">0*(\d+)</span>')
DIRECTIVES = ("boundscheck=False", "wraparound=False", "initializedcheck=False", "cdivision=True")


def scores(source: Path, folder: Path) -> dict[int, int]:
    """Line number to annotation score: 0 = plain C."""
    options = [option for directive in DIRECTIVES for option in ("-X", directive)]
    target = folder / f"{source.stem}.c"
    subprocess.run(
        [sys.executable, "-m", "cython", "-3", "--annotate", *options, "-o", target, source],
        check=True,
        timeout=50,
        capture_output=True,
        cwd=KERNELS.parent,
    )
    report = target.with_suffix(".html").read_text(encoding="utf-8")
    return {int(line): int(score) for score, line in LINE.findall(report)}


def lock_free_lines(source: Path) -> set[int]:
    """The numbers of all lines inside `noexcept nogil` functions."""
    inside: set[int] = set()
    lines = source.read_text(encoding="utf-8").splitlines()
    depth: int | None = None
    for number, line in enumerate(lines, start=1):
        indent = len(line) - len(line.lstrip())
        if depth is not None and line.strip() and indent <= depth and not line.startswith(")"):
            depth = None
        if line.rstrip().endswith("noexcept nogil:"):
            depth = indent
        elif depth is not None and line.strip():
            inside.add(number)
    return inside


@pytest.mark.parametrize("name", EXTENSIONS)
def test_lock_free_lines_are_plain_c(name: str, tmp_path: Path) -> None:
    pytest.importorskip("Cython", reason="Cython not installed")
    source = KERNELS / f"{name}.pyx"
    found = scores(source, tmp_path)
    lines = lock_free_lines(source)
    assert len(lines) > 20
    assert len(found) >= len(lines)
    touching = {line: found[line] for line in sorted(lines) if found.get(line, 0) > 0}
    assert not touching


@pytest.mark.parametrize("name", EXTENSIONS)
def test_every_inner_function_is_lock_free(name: str) -> None:
    source = (KERNELS / f"{name}.pyx").read_text(encoding="utf-8")
    functions = re.findall(r"^ *cdef (?:inline )?\w+\*? \w+\(.*?:$", source, re.M | re.S)
    assert functions
    assert all(header.endswith("noexcept nogil:") for header in functions)
