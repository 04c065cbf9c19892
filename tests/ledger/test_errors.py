"""The drawn tree of errors is the real one, and each error says what happened outside."""

from __future__ import annotations

import inspect
import re

import pytest

from ledger import errors, planner_config

BRANCH = re.compile(r"^(?P<lead>[│ ]*(?:[├└]── )?)(?P<name>[A-Z]\w+)(?:$|\s{2,}\S)")


def classes() -> list[type[errors.TrimtabError]]:
    everything = {**vars(errors), **vars(planner_config)}.values()
    found = (value for value in everything if inspect.isclass(value))
    return [value for value in found if issubclass(value, errors.TrimtabError)]


def drawn(text: str) -> dict[str, str]:
    """Child → parent of a tree drawn with four columns for each level."""
    parents: dict[str, str] = {}
    path: list[str] = []
    for line in text.splitlines():
        branch = BRANCH.match(line)
        if branch is None:
            continue
        depth = len(branch["lead"]) // 4
        path = [*path[:depth], branch["name"]]
        parents[branch["name"]] = path[depth - 1] if depth else "Exception"
    return parents


def test_the_drawn_tree_is_the_class_tree() -> None:
    real = {each.__name__: each.__bases__[0].__name__ for each in classes()}
    assert drawn(errors.__doc__ or "") == real


def test_every_error_has_one_parent_and_a_docstring_or_a_message_of_its_own() -> None:
    for each in classes():
        assert len(each.__bases__) == 1
        assert each.__doc__ or "__init__" in vars(each), each


def test_only_an_unknown_outcome_may_have_reached_the_broker() -> None:
    broker = [each for each in classes() if issubclass(each, errors.BrokerError)]
    unknown = [each for each in broker if each("line broke").outcome == "unknown"]
    assert unknown == [errors.OutcomeUnknown]


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (errors.CurrencyMismatch("EUR", "USD"), "cannot combine EUR with USD without a rate"),
        (errors.UnknownCurrency("XYZ"), "unknown currency 'XYZ'"),
        (errors.IllegalMove("filled", "active"), "an order cannot move from filled to active"),
    ],
)
def test_bad_data_names_what_met(error: errors.BadData, text: str) -> None:
    assert str(error) == text


def test_errors_carry_what_programs_need() -> None:
    assert errors.Refused("no").code == "refused"
    assert errors.Refused("no", code="mode").code == "mode"
    assert errors.Conflict("stale", code="plan_changed").code == "plan_changed"
    assert errors.Busy("sync is running", run_id="01").run_id == "01"
    assert errors.RejectedByBroker("no money", broker_code="12").broker_code == "12"
