"""The notify protocol against a real datagram socket."""

import re
import socket
from collections.abc import Generator
from pathlib import Path

import pytest
import trio
import trio.testing

from daemon.watchdog import STATUS_S, Notifier


class Manager:
    """The service manager's end."""

    def __init__(self, address: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.socket.bind(address)

    def heard(self) -> list[str]:
        messages: list[str] = []
        try:
            while True:
                messages.append(self.socket.recv(4096).decode())
        except BlockingIOError:
            return messages


@pytest.fixture
def manager(tmp_path: Path) -> Generator[Manager]:
    manager = Manager(str(tmp_path / "n"))
    yield manager
    manager.socket.close()


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"NOTIFY_SOCKET": str(tmp_path / "n"), "WATCHDOG_USEC": "60000000", "HOME": "/"}


async def test_signs_of_life_come_at_half_the_promised_time_while_healthy(
    manager: Manager, environ: dict[str, str], autojump_clock: trio.testing.MockClock
) -> None:
    notifier = Notifier.from_environ(environ, pid=1)
    healthy = True
    async with trio.open_nursery() as nursery:
        nursery.start_soon(notifier.run, lambda: healthy)
        await trio.sleep(95)
        assert manager.heard() == ["WATCHDOG=1"] * 4
        healthy = False
        await trio.sleep(300)
        assert manager.heard() == []
        healthy = True
        await trio.sleep(30)
        assert manager.heard() == ["WATCHDOG=1"]
        nursery.cancel_scope.cancel()
    notifier.close()


async def test_the_status_is_one_line_and_not_sent_too_often(
    manager: Manager, environ: dict[str, str], autojump_clock: trio.testing.MockClock
) -> None:
    del environ["WATCHDOG_USEC"]
    notifier = Notifier.from_environ(environ, pid=1)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(notifier.run, lambda: True)
        for number in range(100):
            notifier.status(f"live\n{number}")
            await trio.sleep(0.1)
        heard = manager.heard()
        assert 2 <= len(heard) <= 1 + 10 / STATUS_S
        await trio.sleep(STATUS_S)
        assert manager.heard() == ["STATUS=live 99"]
        await trio.sleep(10 * STATUS_S)
        assert manager.heard() == []
        nursery.cancel_scope.cancel()
    notifier.close()


def test_the_stages_of_life_are_told(manager: Manager, environ: dict[str, str]) -> None:
    notifier = Notifier.from_environ(environ, pid=1)
    notifier.extend(30)
    notifier.ready()
    notifier.reloading()
    notifier.stopping()
    notifier.close()
    notifier.ready()
    extend, ready, reloading, stopping = manager.heard()
    assert (extend, ready, stopping) == ("EXTEND_TIMEOUT_USEC=30000000", "READY=1", "STOPPING=1")
    assert re.fullmatch(r"RELOADING=1\nMONOTONIC_USEC=\d+", reloading)


def test_the_variables_are_hidden_from_children(environ: dict[str, str]) -> None:
    Notifier.from_environ(environ, pid=1).close()
    assert environ == {"HOME": "/"}


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"WATCHDOG_USEC": "10000000"}, 10.0),
        ({"WATCHDOG_USEC": "10000000", "WATCHDOG_PID": "1"}, 10.0),
        ({"WATCHDOG_USEC": "10000000", "WATCHDOG_PID": "2"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_only_our_own_watchdog_counts(variables: dict[str, str], expected: float | None) -> None:
    assert Notifier.from_environ(variables, pid=1).watchdog_s == expected


async def test_without_a_manager_nothing_happens() -> None:
    notifier = Notifier.from_environ({}, pid=1)
    notifier.ready()
    notifier.status("x")
    await notifier.run(lambda: True)
    notifier.close()


def test_a_manager_that_does_not_listen_is_ignored(tmp_path: Path) -> None:
    notifier = Notifier(str(tmp_path / "nobody"))
    notifier.ready()
    notifier.close()


def test_an_abstract_socket_works(tmp_path: Path) -> None:
    name = f"trimtab-{tmp_path.name}-{id(tmp_path)}"
    manager = Manager(f"\0{name}")
    notifier = Notifier.from_environ({"NOTIFY_SOCKET": f"@{name}"}, pid=1)
    notifier.ready()
    assert manager.heard() == ["READY=1"]
    notifier.close()
    manager.socket.close()
