"""Daemon and client find the same folder and socket without being told."""

from pathlib import Path

from daemon.folders import control_socket, data_folder, socket_to_call

HOME = {"HOME": "/home/owner"}


def call(tmp_path: Path, *, socket: Path | None = None, data: Path | None = None) -> Path:
    return socket_to_call(
        socket=socket,
        data=data,
        environ={"HOME": str(tmp_path)},
        system=tmp_path / "system.sock",
    )


def test_the_first_state_directory_is_the_data_folder() -> None:
    assert data_folder({**HOME, "STATE_DIRECTORY": "/a:/b"}) == Path("/a")
    assert data_folder(HOME) == Path("/home/owner/.local/share/trimtab")


def test_a_named_folder_keeps_its_socket() -> None:
    service = {"RUNTIME_DIRECTORY": "/run/trimtab"}
    assert control_socket(Path("/d"), service, data_named=False) == Path(
        "/run/trimtab/control.sock"
    )
    assert control_socket(Path("/d"), service, data_named=True) == Path("/d/control.sock")


def test_the_client_prefers_what_it_was_told_then_its_own_then_the_service(tmp_path: Path) -> None:
    own = tmp_path / ".local/share/trimtab/control.sock"
    assert call(tmp_path, socket=Path("/s")) == Path("/s")
    assert call(tmp_path, data=Path("/d")) == Path("/d/control.sock")
    assert call(tmp_path) == own
    (tmp_path / "system.sock").touch()
    assert call(tmp_path) == tmp_path / "system.sock"
    own.parent.mkdir(parents=True)
    own.touch()
    assert call(tmp_path) == own
