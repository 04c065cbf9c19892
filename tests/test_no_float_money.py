"""No amount, price, quantity or rate is ever a float where money is kept, stored or traded."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests.support.sources import files, text

ROOMS = ("ledger/", "store/", "broker/")

# Records of figures, scores and weights. They make no amount and convert none, so that no figure in
# them can become one.
FIGURES = frozenset(
    {
        "ledger/analytics.py",
        "ledger/correlation.py",
        "ledger/opinion.py",
        "ledger/optimization.py",
        "ledger/plan.py",
        "ledger/plan_difference.py",
        "ledger/plan_facts.py",
        "ledger/regime.py",
        "ledger/score.py",
        "store/scores.py",
    }
)

# Names that may be floats, each because it can never reach an amount of money:
ALLOWED = re.compile(
    r"""
      _s$                    # seconds of the machine: deadlines, ages, waits
    | ^seconds$              # the same as a bare field of an injected fault
    | (^|_)score(_|$)        # 100 × the objective of a plan, a figure to compare and to show
    | ^probability$          # how often an injected fault strikes
    | ^sleep$                # a function that takes seconds
    """,
    re.VERBOSE | re.IGNORECASE,
)
MADE = re.compile(r"\b(?:(?:Money|Price|Quantity|Rate)(?:\.\w+)?|float)\(")
FLOATING = re.compile(r"\b(float|double|real)\b", re.IGNORECASE)

Finding = tuple[int, str]


def allowed(name: str | None) -> bool:
    return name is not None and ALLOWED.search(name) is not None


def target(node: ast.expr) -> str | None:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else None


def annotated(tree: ast.AST) -> Iterator[tuple[int, str | None, ast.expr]]:
    """Line, name and annotation of every parameter, field and result."""
    for node in ast.walk(tree):
        if isinstance(node, ast.arg) and node.annotation is not None:
            yield node.lineno, node.arg, node.annotation
        elif isinstance(node, ast.AnnAssign):
            yield node.lineno, target(node.target), node.annotation
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.returns is not None:
            yield node.lineno, node.name, node.returns


def float_annotations(tree: ast.AST) -> Iterator[Finding]:
    for line, name, annotation in annotated(tree):
        if re.search(r"\bfloat\b", ast.unparse(annotation)) and not allowed(name):
            yield line, f"{name} is annotated as a float"


def float_calls(tree: ast.AST) -> Iterator[Finding]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and target(node.func) in {"float", "fsum"}:
            yield node.lineno, f"{ast.unparse(node)} makes a float"


def named_values(tree: ast.AST) -> Iterator[tuple[str | None, ast.expr | None]]:
    """Every value that is given a name: assigned, a default, or passed by keyword."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            yield from ((target(each), node.value) for each in node.targets)
        elif isinstance(node, ast.AnnAssign):
            yield target(node.target), node.value
        elif isinstance(node, ast.keyword):
            yield node.arg, node.value
        elif isinstance(node, ast.arguments):
            positional = [*node.posonlyargs, *node.args]
            tail = positional[len(positional) - len(node.defaults) :]
            pairs = [*zip(tail, node.defaults, strict=True)]
            yield from ((each.arg, value) for each, value in pairs)
            keyword_only = zip(node.kwonlyargs, node.kw_defaults, strict=True)
            yield from ((each.arg, value) for each, value in keyword_only)


def float_literals(tree: ast.AST) -> Iterator[Finding]:
    """Float literals anywhere but as the whole value of an allowed name."""
    excused = {id(value) for name, value in named_values(tree) if allowed(name)}
    constants = [node for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    for node in constants:
        if isinstance(node.value, float) and id(node) not in excused:
            yield node.lineno, f"literal {node.value}"


def floats(source: str) -> list[Finding]:
    tree = ast.parse(source)
    return sorted([*float_annotations(tree), *float_calls(tree), *float_literals(tree)])


def test_no_float_is_near_money() -> None:
    paths = [path for path in files(".py") if path.startswith(ROOMS)]
    found = {path: floats(text(path)) for path in paths if path not in FIGURES}
    assert {path: findings for path, findings in found.items() if findings} == {}
    assert {path.split("/")[0] + "/" for path in paths} == set(ROOMS)


@pytest.mark.parametrize("path", sorted(FIGURES))
def test_records_of_figures_make_no_money(path: str) -> None:
    assert floats(text(path))
    assert MADE.findall(text(path)) == []


def test_no_column_is_a_floating_number() -> None:
    paths = [path for path in files(".sql") if path.startswith(ROOMS)]
    lines = [line.split("--")[0] for path in paths for line in text(path).splitlines()]
    assert lines
    assert [line for line in lines if FLOATING.search(line)] == []


OFFENDING = {
    "def pay(amount: float) -> None: ...": "amount is annotated as a float",
    "def pay(*, fee: float | None = None) -> None: ...": "fee is annotated as a float",
    "def total(cash: dict[str, float]) -> None: ...": "cash is annotated as a float",
    "def price() -> float: ...": "price is annotated as a float",
    "class Order:\n    limit: 'float'": "limit is annotated as a float",
    "cost = gross * 1.19": "literal 1.19",
    "fee = 2.0": "literal 2.0",
    "deadline_s = price * 0.5": "literal 0.5",
    "def charge(fee=1.5): ...": "literal 1.5",
    "charge(fee=1.5)": "literal 1.5",
    "value = float(text)": "float(text) makes a float",
    "total = math.fsum(parts)": "math.fsum(parts) makes a float",
}


@pytest.mark.parametrize("snippet", OFFENDING)
def test_a_float_near_money_is_found(snippet: str) -> None:
    assert [what for _, what in floats(snippet)] == [OFFENDING[snippet]]


INNOCENT = (
    "DEADLINE_S = 2.0",
    "def wait(seconds: float = 0.0, *, latency_s: float = 0.5) -> None: ...",
    "class Step:\n    score_before: float\n    end_score: float",
    "self.note_every_s = 60.0",
    "call(timeout_s=1.5)",
    "price: Decimal = Decimal('1.19')",
    "'a float of 1.5 in a text'",
)


@pytest.mark.parametrize("snippet", INNOCENT)
def test_seconds_scores_and_texts_are_left_alone(snippet: str) -> None:
    assert floats(snippet) == []


def test_a_floating_column_is_found() -> None:
    assert FLOATING.search("    price REAL NOT NULL,")
    assert not FLOATING.search("    realised_minor INTEGER NOT NULL,")
