"""Who may do what over the real port."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from tests.e2e.process import Daemon, http, running, write_config

pytestmark = [pytest.mark.slow, pytest.mark.timeout(60)]

HALT = "/api/system/halt"
READABLE = (
    "/", "/health", "/health/ready", "/version", "/metrics", "/openapi.json", "/api/portfolio",
    "/api/portfolio/summary", "/api/trades", "/api/trades/orders", "/api/display/state",
    "/api/planner/status", "/api/system/status", "/api/system/jobs",
)  # fmt: skip


async def test_the_port_keeps_its_access_rules(tmp_path: Path) -> None:
    data, config = tmp_path / "data", write_config(tmp_path / "demo.toml")
    async with running(data, config) as daemon:
        await daemon.ready()
        await assert_reading_is_open(daemon)
        await assert_changing_needs_the_token(daemon)
        await assert_other_hosts_are_refused(daemon)
        await assert_a_login_link_works_once(daemon)
        assert await daemon.stop() == 0
        assert daemon.token not in daemon.stderr()
        assert daemon.token not in (data / "logs" / "trimtab.log").read_text("utf-8")


async def assert_reading_is_open(daemon: Daemon) -> None:
    async with http(daemon) as client:
        for path in READABLE:
            answer = await client.get(path)
            assert answer.status_code == 200, (path, answer.text)
            assert "set-cookie" not in answer.headers


async def assert_changing_needs_the_token(daemon: Daemon) -> None:
    assert stat.S_IMODE((daemon.data / "api.token").stat().st_mode) == 0o600
    body = {"reason": "a test"}
    async with http(daemon) as client:
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic eA=="}):
            answer = await client.post(HALT, json=body, headers=headers)
            assert answer.status_code == 401, answer.text
        status = (await client.get("/api/system/status")).json()
        assert status["latches"] == []
        answer = await client.post(HALT, json=body, headers=daemon.bearer)
        assert answer.status_code == 200


async def assert_other_hosts_are_refused(daemon: Daemon) -> None:
    async with http(daemon) as client:
        for host in ("evil.example", "127.0.0.1.evil.example:80", "192.0.2.1", "trimtab"):
            headers = {"Host": host, **daemon.bearer}
            assert (await client.get("/api/portfolio", headers=headers)).status_code == 403
            assert (await client.post(HALT, json={}, headers=headers)).status_code == 403
        answer = await client.get("/health", headers={"Host": "localhost:1234"})
        assert answer.status_code == 200


async def assert_a_login_link_works_once(daemon: Daemon) -> None:
    """The link that `trimtab status` prints opens one session, which still needs its CSRF."""
    said = await daemon.trimtab("status")
    link = next(line for line in said.out.splitlines() if line.startswith("dashboard http"))
    address = link.removeprefix("dashboard ")
    async with http(daemon) as client:
        answer = await client.get(address)
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        assert (await client.post(HALT, json={})).status_code == 403
        page = (await client.get("/")).text
        csrf = page.partition('name="csrf" content="')[2].partition('"')[0]
        assert (await client.post(HALT, json={}, headers={"X-CSRF-Token": csrf})).status_code == 200
    async with http(daemon) as other:
        again = await other.get(address)
        assert (again.status_code, "set-cookie" in again.headers) == (403, False)
        assert (await other.get("/login", params={"code": "guess"})).status_code == 403
