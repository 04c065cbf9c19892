"""The conventions of this repository as tests: sizes, failures, time, words and docstrings."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Callable, Iterator, Mapping
from functools import cache, lru_cache
from pathlib import PurePosixPath

import pytest

from daemon.names import ROOMS
from tests.support.sources import files, text

THIS = "tests/test_tidy.py"
FUNCTION_LINES = 60
FILE_LINES = 350

# Longer than the bound on purpose, with the reason:
OVERSIZED: frozenset[str] = frozenset()

# Whoever catches everything must be the last to hear of it:
BROAD = frozenset(
    {
        "daemon/supervisor.py",  # restarts actors, whatever ended them
        "daemon/control.py",  # front: a command that broke is answered, the socket lives on
        "web/errors.py",  # front: a handler that broke becomes a 500
    }
)

CLOCK = "daemon/clock.py"
NOW = frozenset(
    {
        "time.time",
        "time.time_ns",
        "time.monotonic",
        "time.monotonic_ns",
        "time.perf_counter",
        "time.perf_counter_ns",
        "datetime.now",
        "datetime.utcnow",
        "datetime.today",
        "date.today",
    }
)
# A benchmark measures the machine itself; a real browser knows no virtual time.
REAL_TIME = ("bench/", "tests/browser/")
TIMES = frozenset(name.rsplit(".", 1)[-1] for name in NOW)
MEASURING = frozenset(
    {"time.monotonic", "time.monotonic_ns", "time.perf_counter", "time.perf_counter_ns"}
)

UNFINISHED = re.compile(r"\b(NotImplementedError|TODO|FIXME|XXX)\b")
# Documents that are no part of the project, and folders of one machine.
FOREIGN = re.compile(r"\b(specs?|rulings?)\b|(?<![\w.])/(work|root)/|\.\./shared", re.IGNORECASE)

Finding = tuple[int, str]
Check = Callable[[str, str], list[Finding]]
Function = ast.FunctionDef | ast.AsyncFunctionDef

PYTHON = files(".py")
PRODUCT = tuple(path for path in PYTHON if not path.startswith("tests/"))
TEXTS = files(".md", ".toml", ".html", ".css", ".js", ".sql", ".pyx", ".pyi", ".ino", ".service")


@lru_cache(maxsize=1)
def tree(source: str) -> tuple[ast.AST, ...]:
    """All nodes of a module, which comes first."""
    return tuple(ast.walk(ast.parse(source)))


def nodes(source: str, *kinds: type[ast.AST]) -> Iterator[ast.AST]:
    return (node for node in tree(source) if isinstance(node, kinds))


def too_long(path: str, source: str) -> list[Finding]:
    found: list[Finding] = []
    count = len(source.splitlines())
    if count > FILE_LINES and path not in OVERSIZED:
        found.append((count, f"{count} lines in one file"))
    for node in nodes(source, ast.FunctionDef, ast.AsyncFunctionDef):
        assert isinstance(node, Function)
        lines = (node.end_lineno or node.lineno) - node.lineno + 1
        if lines > FUNCTION_LINES and f"{path}:{node.name}" not in OVERSIZED:
            found.append((node.lineno, f"{node.name} has {lines} lines"))
    return found


def catches_everything(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(
        isinstance(kind, ast.Name) and kind.id in {"Exception", "BaseException"} for kind in kinds
    )


def passes_on(handler: ast.ExceptHandler) -> bool:
    """Cleans up and raises again what it caught."""
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def swallows(path: str, source: str) -> list[Finding]:
    if path in BROAD:
        return []
    return [
        (handler.lineno, "catches everything")
        for handler in nodes(source, ast.ExceptHandler)
        if isinstance(handler, ast.ExceptHandler)
        and catches_everything(handler)
        and not passes_on(handler)
    ]


def clock_reads(source: str) -> Iterator[Finding]:
    for node in nodes(source, ast.Attribute, ast.ImportFrom):
        if isinstance(node, ast.ImportFrom) and node.module == "time":
            yield from ((node.lineno, f"time.{name.name}") for name in node.names)
        elif isinstance(node, ast.Attribute) and node.attr in TIMES:
            owner = ast.unparse(node.value).rsplit(".", 1)[-1]
            yield node.lineno, f"{owner}.{node.attr}"


def asks_the_time(path: str, source: str) -> list[Finding]:
    if path == CLOCK:
        return []
    forbidden = NOW - MEASURING if path.startswith(REAL_TIME) else NOW
    return [(line, name) for line, name in clock_reads(source) if name in forbidden]


def unfinished(path: str, source: str) -> list[Finding]:
    if path == THIS:
        return []
    return [
        (number, line.strip())
        for number, line in enumerate(source.splitlines(), 1)
        if UNFINISHED.search(line)
    ]


def prose(source: str) -> Iterator[Finding]:
    """Comments and texts of a module; names in code may be those of the standard library."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        kind = tokenize.tok_name[token.type]
        if kind in {"COMMENT", "STRING", "FSTRING_MIDDLE"}:
            yield token.start[0], token.string


def foreign_words(path: str, source: str) -> list[Finding]:
    if path == THIS or not FOREIGN.search(source):
        return []
    pieces = prose(source) if path.endswith(".py") else enumerate(source.splitlines(), 1)
    return [
        (number, match.group()) for number, piece in pieces for match in FOREIGN.finditer(piece)
    ]


def undocumented(path: str, source: str) -> list[Finding]:
    """A module of the product without a docstring; private ones may do without."""
    name = PurePosixPath(path).name
    if name.startswith("_") and name not in {"__init__.py", "__main__.py"}:
        return []
    module = tree(source)[0]
    assert isinstance(module, ast.Module)
    return [] if ast.get_docstring(module) else [(1, "no docstring")]


CHECKS: Mapping[Check, frozenset[str]] = {
    too_long: frozenset(PRODUCT),
    unfinished: frozenset(PYTHON),
    swallows: frozenset(PYTHON),
    asks_the_time: frozenset(PYTHON),
    foreign_words: frozenset((*PYTHON, *TEXTS)),
    undocumented: frozenset(PRODUCT),
}


@cache
def survey() -> Mapping[Check, dict[str, list[Finding]]]:
    """What each check found in each of its files. All look at a file before the next is parsed."""
    found: dict[Check, dict[str, list[Finding]]] = {check: {} for check in CHECKS}
    for path in (*PYTHON, *TEXTS):
        for check, paths in CHECKS.items():
            if path in paths and (findings := check(path, text(path))):
                found[check][path] = findings
    return found


def failing(check: Check) -> dict[str, list[Finding]]:
    return survey()[check]


def test_the_checks_see_every_room() -> None:
    assert {path.split("/")[0] for path in PRODUCT} >= set(ROOMS)


def test_functions_and_files_stay_short() -> None:
    assert failing(too_long) == {}


def test_nothing_is_left_for_later() -> None:
    assert failing(unfinished) == {}


def test_only_the_supervisor_and_the_fronts_catch_everything() -> None:
    assert failing(swallows) == {}


def test_only_the_clock_asks_for_the_time() -> None:
    assert failing(asks_the_time) == {}


def test_the_project_speaks_of_itself_only() -> None:
    assert failing(foreign_words) == {}


def test_every_public_module_says_why_it_exists() -> None:
    assert failing(undocumented) == {}


def test_every_folder_with_modules_is_a_documented_package() -> None:
    rooms = tuple(f"{room}/" for room in ROOMS)
    folders = {str(PurePosixPath(path).parent) for path in PRODUCT if path.startswith(rooms)}
    assert [folder for folder in sorted(folders) if f"{folder}/__init__.py" not in PRODUCT] == []


LONG_FUNCTION = "def long():\n" + "    pass\n" * FUNCTION_LINES
OFFENDING: tuple[tuple[Check, str, str], ...] = (
    (too_long, "policy/a.py", LONG_FUNCTION),
    (too_long, "policy/a.py", "x = 1\n" * (FILE_LINES + 1)),
    (swallows, "policy/a.py", "try:\n    f()\nexcept Exception:\n    pass"),
    (swallows, "policy/a.py", "try:\n    f()\nexcept:\n    pass"),
    (swallows, "policy/a.py", "try:\n    f()\nexcept (OSError, BaseException) as e:\n    log(e)"),
    (asks_the_time, "policy/a.py", "import time\nx = time.time()"),
    (asks_the_time, "policy/a.py", "from time import monotonic"),
    (asks_the_time, "policy/a.py", "x = datetime.now(UTC)"),
    (asks_the_time, "policy/a.py", "x = datetime.datetime.utcnow()"),
    (asks_the_time, "bench/a.py", "x = date.today()"),
    (unfinished, "policy/a.py", "raise NotImplementedError"),
    (unfinished, "policy/a.py", "x = 1  # TODO: later"),
    (foreign_words, "policy/a.py", "x = 1  # as ruling 7 says"),
    (foreign_words, "policy/a.py", '"""See the spec."""'),
    (foreign_words, "policy/a.py", 'path = f"/root/{name}"'),
    (foreign_words, "docs/a.md", "run it in /work/here"),
    (undocumented, "policy/a.py", "x = 1"),
    (undocumented, "policy/__init__.py", ""),
)


@pytest.mark.parametrize(("check", "path", "source"), OFFENDING)
def test_each_check_can_fail(check: Check, path: str, source: str) -> None:
    assert len(check(path, source)) == 1


INNOCENT: tuple[tuple[Check, str, str], ...] = (
    (too_long, "policy/a.py", LONG_FUNCTION.removesuffix("    pass\n")),
    (swallows, "policy/a.py", "try:\n    f()\nexcept BaseException:\n    undo()\n    raise"),
    (swallows, "policy/a.py", "try:\n    f()\nexcept OSError:\n    pass"),
    (swallows, "daemon/supervisor.py", "try:\n    f()\nexcept BaseException:\n    pass"),
    (asks_the_time, CLOCK, "import time\nx = time.time()"),
    (asks_the_time, "bench/a.py", "x = time.perf_counter()"),
    (asks_the_time, "policy/a.py", "x = clock.market_now()"),
    (foreign_words, "policy/a.py", "spec = find_spec('policy')"),
    (foreign_words, "docs/a.md", "special networks, a specified root"),
    (undocumented, "kernels/_risk.py", "x = 1"),
)


@pytest.mark.parametrize(("check", "path", "source"), INNOCENT)
def test_what_is_in_order_passes(check: Check, path: str, source: str) -> None:
    assert check(path, source) == []
