"""The description covers every route and refers only to what it holds."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from quart_trio import QuartTrio

from tests.web.world import full_world

NOT_DESCRIBED = {"/static/{name}", "/openapi.json"}


async def document(app: QuartTrio) -> Any:
    return json.loads(await (await app.test_client().get("/openapi.json")).get_data())


def routes(app: QuartTrio) -> set[tuple[str, str]]:
    found = set[tuple[str, str]]()
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
        if path not in NOT_DESCRIBED:
            found |= {(path, method.lower()) for method in (rule.methods or set()) - {"HEAD"}}
    return found


def walk(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from walk(value)
    elif isinstance(node, list):
        for value in node:
            yield from walk(value)


async def test_every_route_is_described_with_a_summary_and_a_success() -> None:
    app = full_world().app()
    described = (await document(app))["paths"]
    operations = {(path, method) for path, ways in described.items() for method in ways}
    assert operations == routes(app)
    for ways in described.values():
        for operation in ways.values():
            assert operation["summary"]
            assert {"200", "201", "202", "204"} & set(operation["responses"])
            assert "application/problem+json" in operation["responses"]["default"]["content"]


async def test_every_reference_leads_somewhere() -> None:
    described = await document(full_world().app())
    schemas = described["components"]["schemas"]
    references = {node["$ref"] for node in walk(described) if "$ref" in node}
    assert references
    assert {reference.rsplit("/", 1)[1] for reference in references} <= set(schemas)


async def test_nested_rows_and_lists_are_described_completely() -> None:
    described = await document(full_world().app())
    schemas = described["components"]["schemas"]
    assert {"StepRow", "PositionRow", "CashRow", "ActorRow", "VerdictRow"} <= set(schemas)
    positions = described["paths"]["/api/portfolio"]["get"]["responses"]["200"]["content"]
    assert positions["application/json"]["schema"]["type"] == "array"


async def test_money_is_described_as_the_number_it_is() -> None:
    described = await document(full_world().app())
    assert not [node for node in walk(described) if node.get("format") == "decimal"]
    total = described["components"]["schemas"]["Summary"]["properties"]["total_value"]
    assert {"type": "number"} in total["anyOf"]


async def test_bodies_and_queries_are_described_with_their_bounds() -> None:
    paths = (await document(full_world().app()))["paths"]
    limit = next(one for one in paths["/api/trades"]["get"]["parameters"] if one["name"] == "limit")
    assert (limit["schema"]["minimum"], limit["schema"]["maximum"]) == (1, 1000)
    assert "requestBody" in paths["/api/settings/trading-mode"]["post"]


async def test_an_answer_has_exactly_the_members_of_its_description() -> None:
    app = full_world().app()
    described = await document(app)
    for path in (
        "/api/system/status", "/api/portfolio/summary", "/api/trades/recommendations",
        "/api/allocation/current", "/api/allocation/groups/allocation",
        "/api/portfolio/cash-breakdown", "/api/portfolio/transactions", "/api/planner/status",
    ):  # fmt: skip
        answer = await (await app.test_client().get(path)).get_json()
        content = described["paths"][path]["get"]["responses"]["200"]["content"]
        name = content["application/json"]["schema"]["$ref"].rsplit("/", 1)[1]
        assert set(answer) == set(described["components"]["schemas"][name]["properties"])


async def test_streams_and_metrics_are_described_by_their_type() -> None:
    paths = (await document(full_world().app()))["paths"]
    events = paths["/api/events/stream"]["get"]["responses"]["200"]["content"]
    assert set(events) == {"text/event-stream"}
    assert set(paths["/metrics"]["get"]["responses"]["200"]["content"]) == {"text/plain"}


async def test_there_is_no_page_that_loads_from_another_host() -> None:
    client = full_world().app().test_client()
    for path in ("/docs", "/redocs", "/scalar"):
        assert (await client.get(path)).status_code == 404


async def test_a_plan_and_its_configuration_are_described_in_full() -> None:
    described = await document(full_world().app())
    schemas = described["components"]["schemas"]
    assert {"ProofRow", "BreakdownRow", "AlternativeRow", "NewMoneyRow", "RiskRow"} <= set(schemas)
    assert set(schemas["PlanView"]["properties"]) == {
        *schemas["Recommendations"]["properties"], "superseded", "difference", "no_difference",
    }  # fmt: skip
    for name in ("CreateBody", "UpdateBody", "ValidateBody", "ApproveBody", "PostponeBody"):
        assert schemas[name]["additionalProperties"] is False
