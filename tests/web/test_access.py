"""Who may read and who may change, by address, credential and header."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from quart.typing import TestClientProtocol as Client

from ledger.halt import Latch
from tests.web.world import BEARER, CODE, NOW, World, full_world
from web.access import COOKIE, Binding, host_name, is_loopback
from web.limits import CLIENTS, RateWindow

LAN = Binding("192.168.1.20", frozenset({"trimtab.local"}))


async def log_in(client: Client, host: str = "localhost") -> None:
    response = await client.get(f"/login?code={CODE}", headers={"Host": host})
    assert response.status_code == 303


@dataclass(frozen=True)
class Caller:
    """What a request carries."""

    headers: dict[str, str]
    logged_in: bool = False


NOBODY = Caller({})
TOKEN = Caller(BEARER)
BAD_TOKEN = Caller({"Authorization": "Bearer wrong"})
BASIC = Caller({"Authorization": "Basic dXNlcjpwYXNz"})
COOKIE_ONLY = Caller({}, logged_in=True)
COOKIE_CSRF = Caller({"X-CSRF-Token": "csrf-of-session"}, logged_in=True)
COOKIE_BAD_CSRF = Caller({"X-CSRF-Token": "guess"}, logged_in=True)
CSRF_ONLY = Caller({"X-CSRF-Token": "csrf-of-session"})
BAD_TOKEN_WITH_COOKIE = Caller(
    {"Authorization": "Bearer wrong", "X-CSRF-Token": "csrf-of-session"}, logged_in=True
)

# caller, GET on loopback, GET elsewhere, POST anywhere
MATRIX = [
    (NOBODY, 200, 401, 401),
    (TOKEN, 200, 200, 200),
    (BAD_TOKEN, 200, 401, 401),
    (BASIC, 200, 401, 401),
    (COOKIE_ONLY, 200, 200, 403),
    (COOKIE_CSRF, 200, 200, 200),
    (COOKIE_BAD_CSRF, 200, 200, 403),
    (CSRF_ONLY, 200, 401, 401),
    (BAD_TOKEN_WITH_COOKIE, 200, 401, 401),
]


async def call(world: World, binding: Binding, caller: Caller, method: str) -> int:
    client = world.app(binding).test_client()
    host = binding.host
    if caller.logged_in:
        await log_in(client, host)
    headers = {**caller.headers, "Host": host}
    if method == "GET":
        return (await client.get("/api/system/status", headers=headers)).status_code
    return (await client.post("/api/system/halt", headers=headers, json={})).status_code


@pytest.mark.parametrize(("caller", "loopback", "elsewhere", "_post"), MATRIX)
async def test_reading_is_open_on_loopback_and_closed_elsewhere(
    caller: Caller, loopback: int, elsewhere: int, _post: int
) -> None:
    assert await call(full_world(), Binding(), caller, "GET") == loopback
    assert await call(full_world(), LAN, caller, "GET") == elsewhere


@pytest.mark.parametrize(("caller", "_loopback", "_elsewhere", "post"), MATRIX)
@pytest.mark.parametrize("binding", [Binding(), LAN])
async def test_changing_needs_the_token_or_session_and_csrf(
    caller: Caller, _loopback: int, _elsewhere: int, post: int, binding: Binding, nursery: object
) -> None:
    world = full_world()
    latch = Latch("owner", "test", NOW)
    nursery.start_soon(world.answer, world.asks.schedule, (latch,))  # type: ignore[attr-defined]
    assert await call(world, binding, caller, "POST") == post


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("localhost:8000", 200),
        ("127.0.0.1:8000", 200),
        ("[::1]:8000", 200),
        ("LOCALHOST", 200),
        ("evil.example", 403),
        ("evil.example:8000", 403),
        ("127.0.0.1.evil.example", 403),
        ("10.0.0.7", 403),
        ("", 403),
    ],
)
async def test_a_name_that_is_not_ours_is_refused(host: str, status: int) -> None:
    client = full_world().app().test_client()
    response = await client.get("/health", headers={"Host": host})
    assert response.status_code == status


@pytest.mark.parametrize(
    ("host", "known"),
    [
        ("192.168.1.20", True),
        ("trimtab.local", True),
        ("localhost", True),
        ("10.0.0.7", True),
        ("evil.example", False),
    ],
)
def test_elsewhere_addresses_and_given_names_are_known(host: str, known: bool) -> None:
    assert LAN.knows(host) is known


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "localhost", "127.8.8.8"])
def test_loopback_is_recognised(address: str) -> None:
    assert is_loopback(address)
    assert not Binding(address).protect_reads


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.168.1.20", "host.example"])
def test_any_other_address_protects_reading(address: str) -> None:
    assert Binding(address).protect_reads


@given(st.text(max_size=60))
def test_no_host_header_breaks_the_check(header: str) -> None:
    assert Binding().knows(host_name(header)) in {True, False}


async def test_only_a_good_code_sets_a_cookie_and_only_once() -> None:
    world = full_world()
    client = world.app().test_client()
    wrong = await client.get("/login?code=guess")
    assert "Set-Cookie" not in wrong.headers
    good = await client.get(f"/login?code={CODE}")
    cookie = good.headers["Set-Cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert good.headers["Location"] == "/"
    assert (await client.get(f"/login?code={CODE}")).status_code == 403


async def test_no_other_route_sets_a_cookie() -> None:
    client = full_world().app().test_client()
    for path in ("/", "/health", "/api/system/status", "/static/style.css"):
        assert "Set-Cookie" not in (await client.get(path)).headers


async def test_the_page_holds_the_csrf_only_of_its_own_session() -> None:
    client = full_world().app().test_client()
    before = await (await client.get("/")).get_data(as_text=True)
    assert 'name="csrf" content=""' in before
    assert 'data-logged-in="no"' in before
    await log_in(client)
    after = await (await client.get("/")).get_data(as_text=True)
    assert 'content="csrf-of-session"' in after
    assert 'data-logged-in="yes"' in after


async def test_elsewhere_only_the_way_to_log_in_is_open() -> None:
    client = full_world().app(LAN).test_client()
    headers = {"Host": LAN.host}
    for path, status in [
        ("/", 401), ("/metrics", 401), ("/openapi.json", 401), ("/api/events/stream", 401),
        ("/static/style.css", 200), ("/login?code=guess", 403),
    ]:  # fmt: skip
        assert (await client.get(path, headers=headers)).status_code == status


async def test_answers_forbid_framing_sniffing_and_other_origins() -> None:
    client = full_world().app().test_client()
    for path in ("/", "/nope", "/api/system/status"):
        headers = (await client.get(path, headers={"Origin": "http://evil.example"})).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "Access-Control-Allow-Origin" not in headers


async def test_the_sixty_first_change_in_a_minute_waits(
    autojump_clock: object, nursery: object
) -> None:
    world = full_world()
    client = world.app().test_client()
    bad = {"headers": {"Authorization": "Bearer wrong"}, "json": {}}
    for _ in range(60):
        assert (await client.post("/api/system/halt", **bad)).status_code == 401
    refused = await client.post("/api/system/halt", headers=BEARER, json={})
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) in range(1, 61)
    assert (await client.get("/api/system/status")).status_code == 200


async def test_guessing_login_codes_is_slowed_down() -> None:
    client = full_world().app().test_client()
    answers = [(await client.get("/login?code=guess")).status_code for _ in range(61)]
    assert answers[:60] == [403] * 60
    assert answers[60] == 429


def test_a_rate_window_slides() -> None:
    window = RateWindow(limit=2, window_s=60)
    assert window.wait_s("a", 0.0) == 0
    assert window.wait_s("a", 30.0) == 0
    assert window.wait_s("a", 40.0) == 20
    assert window.wait_s("b", 40.0) == 0
    assert window.wait_s("a", 60.0) == 0


@given(st.lists(st.floats(0, 5), min_size=1, max_size=60))
def test_no_window_ever_holds_more_than_its_limit(gaps: list[float]) -> None:
    window = RateWindow(limit=3, window_s=10)
    now_s, allowed = 0.0, list[float]()
    for gap in gaps:
        now_s += gap
        if window.wait_s("a", now_s) == 0:
            allowed.append(now_s)
    for start in allowed:
        assert sum(start <= at < start + 10 - 1e-6 for at in allowed) <= 3


def test_many_clients_do_not_fill_the_memory() -> None:
    window = RateWindow()
    for number in range(3 * CLIENTS):
        window.wait_s(str(number), 0.0)
    assert len(window._calls) == CLIENTS
