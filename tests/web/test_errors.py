"""Every failure is a problem document, and nothing of ours leaks through it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from quart_trio import QuartTrio

from ledger import errors as ledger_errors
from ledger.errors import (
    ActorUnavailable,
    BadData,
    BrokerNotFound,
    Busy,
    Conflict,
    MalformedAnswer,
    Missing,
    NotCancelable,
    OutcomeUnknown,
    Refused,
    RejectedByBroker,
    StoreFailed,
    TrimtabError,
    Unavailable,
)
from tests.web.world import BEARER, full_world
from web.errors import TABLE, from_error

MEMBERS = {"type", "title", "status", "detail", "code", "correlation_id"}


async def problem(app: QuartTrio, method: str, path: str, **kwargs: Any) -> Any:
    response = await app.test_client().open(path, method=method, **kwargs)
    document = json.loads(await response.get_data())
    assert response.content_type == "application/problem+json"
    assert document["status"] == response.status_code
    assert document.keys() >= MEMBERS
    assert document["correlation_id"] == response.headers["X-Correlation-ID"]
    return document


@pytest.mark.parametrize(
    ("method", "path", "kwargs", "status", "code"),
    [
        ("GET", "/nope", {}, 404, "not_found"),
        ("GET", "/static/nope.js", {}, 404, "not_found"),
        ("GET", "/api//portfolio", {}, 404, "not_found"),
        ("PUT", "/api/portfolio", {"headers": BEARER}, 405, "method_not_allowed"),
        ("OPTIONS", "/api/portfolio", {"headers": BEARER}, 405, "method_not_allowed"),
        ("POST", "/api/system/resume", {"headers": BEARER, "data": "{"}, 400, "not_json"),
        (
            "POST",
            "/api/system/resume",
            {"headers": {**BEARER, "Content-Type": "application/json"}, "data": "{"},
            400,
            "malformed",
        ),
        ("POST", "/api/system/resume", {"headers": BEARER, "json": {}}, 422, "invalid"),
        ("GET", "/login", {}, 422, "invalid"),
        ("GET", "/login?code=wrong", {}, 403, "bad_code"),
    ],
)
async def test_failures_are_problem_documents(
    method: str, path: str, kwargs: dict[str, Any], status: int, code: str
) -> None:
    document = await problem(full_world().app(), method, path, **kwargs)
    assert (document["status"], document["code"]) == (status, code)


async def test_a_large_body_is_refused() -> None:
    document = await problem(
        full_world().app(),
        "POST",
        "/api/system/halt",
        headers={**BEARER, "Content-Type": "application/json"},
        data=b" " * 70_000,
    )
    assert document["status"] == 413


async def test_an_unforeseen_error_shows_an_id_and_no_text(
    capsys: pytest.CaptureFixture[str],
) -> None:
    world = full_world()
    world.views.error = RuntimeError("secret path /var/lib/x")
    document = await problem(world.app(), "GET", "/api/trades")
    assert (document["status"], document["code"]) == (500, "internal")
    assert "secret" not in json.dumps(document)
    assert document["correlation_id"] in capsys.readouterr().out


async def test_a_given_correlation_id_is_kept_and_a_bad_one_replaced() -> None:
    app = full_world().app()
    kept = await problem(app, "GET", "/nope", headers={"X-Correlation-ID": "run-7.a_b"})
    assert kept["correlation_id"] == "run-7.a_b"
    made = await problem(app, "GET", "/nope", headers={"X-Correlation-ID": "<script>"})
    assert made["correlation_id"] != "<script>"


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Missing("no such run"), 404, "missing"),
        (Busy("sync runs", run_id="R1"), 409, "already_running"),
        (Conflict("stale plan", code="stale_plan"), 409, "stale_plan"),
        (Refused("outside the session", code="market_closed"), 400, "market_closed"),
        (Refused("halted by its owner", code="halted"), 423, "halted"),
        (ActorUnavailable("schedule is busy"), 503, "actor_unavailable"),
        (StoreFailed("the ledger cannot be read"), 503, "store_unavailable"),
        (Unavailable("no line"), 503, "broker_unavailable"),
        (RejectedByBroker("insufficient funds"), 502, "rejected_by_broker"),
        (BrokerNotFound("order 7"), 404, "unknown_to_broker"),
        (NotCancelable("filled"), 409, "not_cancelable"),
        (MalformedAnswer("no id"), 502, "malformed_answer"),
        (OutcomeUnknown("timed out"), 502, "outcome_unknown"),
    ],
)
async def test_each_error_of_ours_has_its_status(
    error: TrimtabError, status: int, code: str
) -> None:
    world = full_world()
    world.views.error = error
    document = await problem(world.app(), "GET", "/api/trades")
    assert (document["status"], document["code"]) == (status, code)
    assert document["detail"] == str(error)


async def test_busy_names_the_run_that_is_in_the_way() -> None:
    world = full_world()
    world.views.error = Busy("sync runs", run_id="R1")
    assert (await problem(world.app(), "GET", "/api/trades"))["run_id"] == "R1"


async def test_numbers_that_cannot_be_trusted_are_our_fault(
    capsys: pytest.CaptureFixture[str],
) -> None:
    world = full_world()
    world.views.error = BadData("price 0 is not positive")
    assert (await problem(world.app(), "GET", "/api/trades"))["status"] == 500
    assert "BadData" in capsys.readouterr().out


def test_every_error_class_is_mapped_or_a_fault_of_ours() -> None:
    mapped = tuple(kind for kind, _, _ in TABLE)
    ours = (ledger_errors.BadData, ledger_errors.StartError)
    classes = [value for value in vars(ledger_errors).values() if isinstance(value, type)]
    for kind in classes:
        if issubclass(kind, TrimtabError) and kind is not TrimtabError:
            assert issubclass(kind, (*mapped, *ours, ledger_errors.BrokerError))


def test_the_root_of_broker_errors_is_not_explained_to_the_outside() -> None:
    assert from_error(TrimtabError("?")) is None
