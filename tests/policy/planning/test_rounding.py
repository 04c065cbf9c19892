"""What decides about a plan rounds alike on every machine."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
# A library sums and multiplies vectors in the order that suits the processor, and its elementary
# functions differ in the last bit; Python's own sum of floats differs by version.
BY_MACHINE = {
    *("dot", "vdot", "inner", "matmul", "einsum", "tensordot", "prod", "cumprod", "power"),
    *("mean", "nanmean", "average", "nansum", "std", "var", "corrcoef", "cov"),
    *("exp", "expm1", "log", "log1p", "log2", "log10", "sin", "cos", "tanh"),
}
DECIDING = (
    *sorted(ROOT.glob("policy/planning/**/*.py")),
    ROOT / "policy/planner.py",
    *(ROOT / f"kernels/{name}.py" for name in ("search", "search_numpy", "search_work")),
    *(ROOT / f"kernels/{name}.py" for name in ("sequences", "sequences_numpy", "workload")),
)


def by_machine(node: ast.AST) -> str | None:
    """What the node leaves to a library, with its line."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        return f"@ in line {node.lineno}"
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        name = node.func.attr
        return f"{name} in line {node.lineno}" if name in BY_MACHINE else None
    return None


@pytest.mark.parametrize("path", DECIDING, ids=lambda path: path.stem)
def test_nothing_that_decides_leaves_its_rounding_to_a_library(path: Path) -> None:
    found = [found for node in ast.walk(ast.parse(path.read_text())) if (found := by_machine(node))]
    assert found == []
