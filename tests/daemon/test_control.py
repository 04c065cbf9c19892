"""The control socket against clients of every kind."""

import os
import socket
import stat
import struct
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec
import pytest
import structlog.testing
import trio
import trio.testing

from daemon.control import CONNECTIONS_MAX, FRAME_S, IDLE_S, ControlServer, report
from daemon.control_errors import BadArgument
from daemon.frames import FRAME_MAX
from daemon.peer import Peer, may_connect, peer_of
from ledger.errors import (
    ActorUnavailable,
    BadData,
    Busy,
    Conflict,
    Missing,
    OutcomeUnknown,
    Refused,
    RejectedByBroker,
    StartError,
    StoreFailed,
    Unavailable,
)

ERRORS: dict[str, Exception] = {
    "busy": Busy("sync is running", run_id="01R"),
    "conflict": Conflict("the plan is stale"),
    "stale_plan": Conflict("the plan is stale", code="stale_plan"),
    "not_found": Missing("no such plan"),
    "halted": Refused("trading is halted", code="halted"),
    "unavailable": ActorUnavailable("trader is busy"),
    "store_failed": StoreFailed("disk full"),
    "broker_unavailable": Unavailable("no line"),
    "broker_rejected": RejectedByBroker("no margin"),
    "outcome_unknown": OutcomeUnknown("cut"),
    "bad_argument": BadArgument("job", "no such job"),
}


@dataclass(frozen=True, slots=True)
class Row:
    at: datetime
    amount: Decimal
    pixels: bytes


class World:
    """A server with a few commands, and what they did."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.finished: list[str] = []
        self.clients: list[Client] = []
        self.hold = trio.Event()
        self.entered = trio.Event()
        self.server = ControlServer(path, self.commands())

    def commands(self) -> dict[str, Any]:
        return {
            "echo": self.echo,
            "fail": self.fail,
            "wait": self.wait,
            "count": self.count,
            "row": self.row,
            "huge": self.huge,
            "odd": self.odd,
            "typed": self.typed,
        }

    async def echo(self, args: Mapping[str, Any]) -> Any:
        return dict(args)

    async def fail(self, args: Mapping[str, Any]) -> Any:
        raise ERRORS.get(args["how"]) or BadData("a secret detail")

    async def wait(self, _args: Mapping[str, Any]) -> Any:
        self.entered.set()
        await self.hold.wait()
        self.finished.append("wait")
        return "done"

    async def count(self, _args: Mapping[str, Any]) -> Any:
        for done in range(3):
            await report({"done": done, "total": 3})
        return 3

    async def row(self, _args: Mapping[str, Any]) -> Any:
        row = Row(datetime(2026, 1, 1, tzinfo=UTC), Decimal("1.50"), b"\x01\x02")
        return MappingProxyType({"rows": (row,)}).copy()

    async def huge(self, _args: Mapping[str, Any]) -> Any:
        return "x" * (FRAME_MAX + 1)

    async def odd(self, _args: Mapping[str, Any]) -> Any:
        return object()

    async def typed(self, args: Mapping[str, Any]) -> Any:
        return msgspec.convert(args, dict[str, int])


class Client:
    def __init__(self, stream: trio.SocketStream) -> None:
        self.stream = stream

    async def send(self, message: object) -> None:
        body = msgspec.msgpack.encode(message)
        await self.stream.send_all(struct.pack(">I", len(body)) + body)

    async def receive(self) -> Any:
        header = await self._exactly(4)
        return msgspec.msgpack.decode(await self._exactly(struct.unpack(">I", header)[0]))

    async def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            chunk = await self.stream.receive_some(size - len(data))
            assert chunk, "the server closed the connection"
            data += chunk
        return data

    async def call(self, cmd: str, **args: Any) -> Any:
        await self.send({"v": 1, "id": 7, "cmd": cmd, "args": args})
        return await self.receive()

    async def closed(self) -> bool:
        return await self.stream.receive_some(1) == b""


@asynccontextmanager
async def serving(tmp_path: Path) -> AsyncGenerator[World]:
    world = World(tmp_path / "control.sock")
    async with trio.open_nursery() as nursery:
        await nursery.start(world.server.run)
        yield world
        for client in world.clients:
            await trio.aclose_forcefully(client.stream)
        nursery.cancel_scope.cancel()


async def connect(world: World) -> Client:
    client = Client(await trio.open_unix_socket(str(world.path)))
    world.clients.append(client)
    return client


async def test_a_call_is_answered_with_its_id(tmp_path: Path) -> None:
    async with serving(tmp_path) as world:
        client = await connect(world)
        assert await client.call("echo", a=1) == {"id": 7, "ok": True, "result": {"a": 1}}
        await client.send({"id": "x", "cmd": "echo"})
        assert await client.receive() == {"id": "x", "ok": True, "result": {}}


async def test_values_arrive_as_plain_msgpack(tmp_path: Path) -> None:
    async with serving(tmp_path) as world:
        reply = await (await connect(world)).call("row")
        assert reply["result"] == {
            "rows": [{"at": "2026-01-01T00:00:00Z", "amount": "1.50", "pixels": b"\x01\x02"}]
        }


async def test_progress_comes_before_the_reply(tmp_path: Path) -> None:
    async with serving(tmp_path) as world:
        client = await connect(world)
        events = [await client.call("count"), await client.receive(), await client.receive()]
        assert events == [{"id": 7, "event": {"done": n, "total": 3}} for n in range(3)]
        assert await client.receive() == {"id": 7, "ok": True, "result": 3}


async def test_progress_without_a_caller_goes_nowhere() -> None:
    await report({"done": 1})


@pytest.mark.parametrize("code", ERRORS)
async def test_every_planned_error_has_its_code(tmp_path: Path, code: str) -> None:
    async with serving(tmp_path) as world:
        reply = await (await connect(world)).call("fail", how=code)
        assert not reply["ok"]
        assert reply["error"]["code"] == code
        assert reply["error"]["detail"] == str(ERRORS[code])
        assert reply["error"].get("run_id") == ("01R" if code == "busy" else None)
        assert reply["error"].get("field") == ("job" if code == "bad_argument" else None)


@pytest.mark.parametrize("cmd", ["fail", "odd"])
async def test_an_unplanned_error_is_logged_and_told_by_its_id_only(
    tmp_path: Path, cmd: str
) -> None:
    with structlog.testing.capture_logs() as logs:
        async with serving(tmp_path) as world:
            reply = await (await connect(world)).call(cmd, how="?")
    assert reply["error"]["code"] == "internal"
    assert "ctl-1" in reply["error"]["detail"]
    assert "secret" not in reply["error"]["detail"]
    assert [line["event"] for line in logs] == ["command failed"]


async def test_a_wrong_argument_names_its_field(tmp_path: Path) -> None:
    async with serving(tmp_path) as world:
        reply = await (await connect(world)).call("typed", a="x")
        assert reply["error"]["code"] == "bad_argument"
        assert "`" not in reply["error"]["field"]


async def test_an_unknown_command_gets_a_suggestion_and_may_go_on(tmp_path: Path) -> None:
    async with serving(tmp_path) as world:
        client = await connect(world)
        error = (await client.call("ehco"))["error"]
        assert error == {
            "code": "unknown_command",
            "detail": "unknown command 'ehco', did you mean echo?",
        }
        assert (await client.call("echo"))["ok"]


async def test_an_answer_that_is_too_large_is_an_error(tmp_path: Path) -> None:
    with structlog.testing.capture_logs():
        async with serving(tmp_path) as world:
            reply = await (await connect(world)).call("huge")
            assert reply["error"]["code"] == "too_large"


async def test_a_second_call_on_the_same_connection_is_busy(tmp_path: Path) -> None:
    async with serving(tmp_path) as world:
        client = await connect(world)
        await client.send({"id": 1, "cmd": "wait"})
        await world.entered.wait()
        await client.send({"id": 2, "cmd": "echo"})
        busy = await client.receive()
        assert (busy["id"], busy["error"]["code"]) == (2, "busy")
        other = await connect(world)
        assert (await other.call("echo"))["ok"]
        world.hold.set()
        assert await client.receive() == {"id": 1, "ok": True, "result": "done"}
        assert (await client.call("echo"))["ok"]


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (struct.pack(">I", FRAME_MAX + 1), "too_large"),
        (b"GET / HTTP/1.1\r\n\r\n", "too_large"),
        (struct.pack(">I", 1) + b"\xc1", "not_msgpack"),
        (struct.pack(">I", 0), "not_msgpack"),
        (struct.pack(">I", FRAME_MAX) + b"\x91" * FRAME_MAX, "not_msgpack"),
        (struct.pack(">I", 3) + b"\xa2\xff\xff", "not_msgpack"),
        (struct.pack(">I", 1) + b"\x90", "bad_request"),
        (struct.pack(">I", 1) + b"\x80", "bad_request"),
    ],
)
async def test_what_is_no_frame_gets_an_error_and_the_connection_closes(
    tmp_path: Path, frame: bytes, code: str
) -> None:
    async with serving(tmp_path) as world:
        client = await connect(world)
        await client.stream.send_all(frame)
        reply = await client.receive()
        assert (reply["id"], reply["ok"], reply["error"]["code"]) == (None, False, code)
        with suppress(trio.BrokenResourceError):  # unread bytes make the close a reset
            assert await client.closed()
        assert (await (await connect(world)).call("echo"))["ok"]


@pytest.mark.parametrize("extra", [{"v": 2}, {"more": 1}, {"args": [1]}, {"id": None}])
async def test_a_request_of_another_shape_or_version_is_refused(
    tmp_path: Path, extra: dict[str, Any]
) -> None:
    async with serving(tmp_path) as world:
        client = await connect(world)
        await client.send({"v": 1, "id": 1, "cmd": "echo", "args": {}, **extra})
        assert (await client.receive())["error"]["code"] == "bad_request"
        assert await client.closed()


async def test_a_frame_may_come_in_pieces(tmp_path: Path) -> None:
    async with serving(tmp_path) as world:
        client = await connect(world)
        body = msgspec.msgpack.encode({"id": 1, "cmd": "echo"})
        for byte in struct.pack(">I", len(body)) + body:
            await client.stream.send_all(bytes([byte]))
            await trio.testing.wait_all_tasks_blocked()
        assert (await client.receive())["ok"]


async def test_a_frame_that_never_ends_is_given_up(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    async with serving(tmp_path) as world:
        client = await connect(world)
        await client.stream.send_all(b"\0\0")
        start_s = trio.current_time()
        assert (await client.receive())["error"]["code"] == "too_slow"
        assert trio.current_time() - start_s == pytest.approx(FRAME_S)
        assert await client.closed()


async def test_a_silent_client_is_let_go(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    async with serving(tmp_path) as world:
        client = await connect(world)
        start_s = trio.current_time()
        assert await client.closed()
        assert trio.current_time() - start_s == pytest.approx(IDLE_S)


async def test_a_client_that_does_not_read_loses_its_connection(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    async with serving(tmp_path) as world:
        client = await connect(world)
        blob = "x" * (FRAME_MAX // 2)

        async def flood() -> None:
            for number in range(100):
                await client.send({"id": number, "cmd": "echo", "args": {"blob": blob}})
                await trio.testing.wait_all_tasks_blocked()

        with pytest.raises(trio.BrokenResourceError):
            await flood()
        assert (await (await connect(world)).call("echo"))["ok"]


@pytest.mark.parametrize("rudely", [False, True])
async def test_a_call_is_finished_when_its_caller_goes(tmp_path: Path, *, rudely: bool) -> None:
    async with serving(tmp_path) as world:
        client = await connect(world)
        await client.send({"id": 1, "cmd": "wait"})
        await world.entered.wait()
        if rudely:
            linger = struct.pack("ii", 1, 0)
            client.stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        await client.stream.aclose()
        await trio.testing.wait_all_tasks_blocked()
        world.hold.set()
        await trio.testing.wait_all_tasks_blocked()
        assert world.finished == ["wait"]
        assert (await (await connect(world)).call("echo"))["ok"]


async def test_a_client_that_only_closed_its_sending_half_gets_its_answer(tmp_path: Path) -> None:
    async with serving(tmp_path) as world:
        client = await connect(world)
        await client.send({"id": 1, "cmd": "wait"})
        await client.stream.send_eof()
        await world.entered.wait()
        world.hold.set()
        assert (await client.receive())["result"] == "done"
        assert await client.closed()


async def test_a_client_that_leaves_in_the_middle_of_a_frame_harms_nobody(tmp_path: Path) -> None:
    async with serving(tmp_path) as world:
        client = await connect(world)
        await client.stream.send_all(b"\0\0\0\x09abc")
        await client.stream.aclose()
        assert (await (await connect(world)).call("echo"))["ok"]


async def test_progress_to_a_caller_that_is_gone_is_dropped(tmp_path: Path) -> None:
    async with serving(tmp_path) as world:
        client = await connect(world)
        await client.send({"id": 1, "cmd": "count"})
        await client.stream.aclose()
        await trio.testing.wait_all_tasks_blocked()
        assert (await (await connect(world)).call("echo"))["ok"]


async def test_connections_are_bounded(tmp_path: Path) -> None:
    async with serving(tmp_path) as world:
        clients = [await connect(world) for _ in range(CONNECTIONS_MAX)]
        for client in clients:
            assert (await client.call("echo"))["ok"]
        extra = await connect(world)
        assert (await extra.receive())["error"]["code"] == "busy"
        assert await extra.closed()
        await clients[0].stream.aclose()
        await trio.testing.wait_all_tasks_blocked()
        assert (await (await connect(world)).call("echo"))["ok"]


async def test_the_socket_is_for_owner_and_group_and_goes_with_the_server(tmp_path: Path) -> None:
    async with serving(tmp_path) as world:
        assert stat.S_IMODE(world.path.stat().st_mode) == 0o660
    assert not world.path.exists()


async def test_a_stale_socket_is_replaced(tmp_path: Path) -> None:
    dead = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    dead.bind(str(tmp_path / "control.sock"))
    dead.close()
    async with serving(tmp_path) as world:
        assert (await (await connect(world)).call("echo"))["ok"]


async def test_a_living_socket_is_left_alone(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as living:
        living.bind(str(tmp_path / "control.sock"))
        living.listen()
        with pytest.raises(StartError, match="another process answers"):
            await ControlServer(tmp_path / "control.sock", {}).run()
        assert (tmp_path / "control.sock").exists()


async def test_a_file_in_the_way_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "control.sock").write_text("mine")
    with pytest.raises(StartError, match="in the way"):
        await ControlServer(tmp_path / "control.sock", {}).run()
    assert (tmp_path / "control.sock").read_text() == "mine"


async def test_a_path_that_cannot_be_bound_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="cannot listen"):
        await ControlServer(tmp_path / ("x" * 200), {}).run()


@pytest.mark.parametrize(
    ("peer", "admitted"),
    [
        (Peer(1, 0, 0, frozenset()), True),
        (Peer(1, 500, 1, frozenset()), True),
        (Peer(1, 501, 600, frozenset()), True),
        (Peer(1, 501, 1, frozenset({2, 600})), True),
        (Peer(1, 501, 1, frozenset({2})), False),
    ],
)
def test_root_the_own_user_and_the_group_may_connect(peer: Peer, *, admitted: bool) -> None:
    assert may_connect(peer, uid=500, gid=600) is admitted


def test_the_kernel_tells_who_connects() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    with ours, theirs:
        peer = peer_of(ours)
    assert (peer.pid, peer.uid, peer.gid) == (os.getpid(), os.getuid(), os.getgid())
    assert peer.groups == frozenset(os.getgroups())


async def test_a_stranger_is_turned_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stranger = Peer(1, 12345, 12345, frozenset())
    monkeypatch.setattr("daemon.control.peer_of", lambda _: stranger)
    with structlog.testing.capture_logs():
        async with serving(tmp_path) as world:
            client = await connect(world)
            assert (await client.receive())["error"]["code"] == "forbidden"
            assert await client.closed()
