"""The unit says what the daemon does."""

import shutil
import subprocess
from pathlib import Path

import pytest

from daemon.folders import SYSTEM_SOCKET, control_socket, data_folder
from daemon.watchdog import EXIT_CONFIG, EXIT_RESTART, STOP_S, WATCHDOG_S
from hw.button import CHIP

ROOT = Path(__file__).parents[2]
UNITS = ROOT / "systemd"


def settings(path: Path) -> dict[str, list[str]]:
    """`Section.Key` → its values in order."""
    found: dict[str, list[str]] = {}
    section = ""
    for line in path.read_text().splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found.setdefault(f"{section}.{key}", []).append(value)
    return found


@pytest.fixture
def unit() -> dict[str, list[str]]:
    return settings(UNITS / "trimtab.service")


def test_no_setting_is_given_twice(unit: dict[str, list[str]]) -> None:
    assert [key for key, values in unit.items() if len(values) > 1] == []


def test_the_watchdog_and_the_deadlines_are_the_daemons(unit: dict[str, list[str]]) -> None:
    assert unit["Service.Type"] == ["notify"]
    assert unit["Service.WatchdogSec"] == [str(WATCHDOG_S)]
    assert int(unit["Service.TimeoutStopSec"][0]) > STOP_S


def test_the_exit_codes_are_the_daemons(unit: dict[str, list[str]]) -> None:
    assert unit["Service.RestartPreventExitStatus"] == [str(EXIT_CONFIG)]
    assert unit["Service.RestartForceExitStatus"] == [str(EXIT_RESTART)]
    assert unit["Service.Restart"] == ["on-failure"]
    assert (unit["Unit.StartLimitIntervalSec"], unit["Unit.StartLimitBurst"]) == (["600"], ["5"])


def test_the_folders_are_where_daemon_and_client_look(unit: dict[str, list[str]]) -> None:
    environ = {
        "STATE_DIRECTORY": f"/var/lib/{unit['Service.StateDirectory'][0]}",
        "RUNTIME_DIRECTORY": f"/run/{unit['Service.RuntimeDirectory'][0]}",
    }
    data = data_folder(environ)
    assert data == Path("/var/lib/trimtab")
    assert control_socket(data, environ, data_named=False) == SYSTEM_SOCKET
    # Members of the group reach the socket through a folder that everybody may pass.
    assert unit["Service.RuntimeDirectoryMode"] == ["0755"]


def test_the_command_is_the_one_that_is_installed(unit: dict[str, list[str]]) -> None:
    command, option, config = unit["Service.ExecStart"][0].split()
    assert Path(command).name == "trimtabd"
    assert option == "--config"
    assert Path(config).parent == Path("/etc") / unit["Service.ConfigurationDirectory"][0]
    scripts = (ROOT / "pyproject.toml").read_text().split("[project.scripts]")[1]
    assert "trimtabd =" in scripts
    for folder in (str(Path(command).parent), config):
        assert folder in (UNITS / "README.md").read_text()


def test_the_user_exists_and_gains_nothing(unit: dict[str, list[str]]) -> None:
    user = unit["Service.User"][0]
    assert (UNITS / "sysusers.conf").read_text().splitlines()[-1].split()[1] == user
    for setting, value in (
        ("NoNewPrivileges", "yes"),
        ("ProtectSystem", "strict"),
        ("CapabilityBoundingSet", ""),
        ("DevicePolicy", "closed"),
        ("SystemCallFilter", "@system-service"),
    ):
        assert unit[f"Service.{setting}"] == [value]


@pytest.mark.parametrize(
    ("drop_in", "device"),
    [("display-spi.conf", "/dev/spidev0.0 rw"), ("halt-button.conf", f"{CHIP} rw")],
)
def test_a_drop_in_opens_exactly_one_device(drop_in: str, device: str) -> None:
    assert settings(UNITS / drop_in)["Service.DeviceAllow"] == [device]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd")
def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    text = (UNITS / "trimtab.service").read_text()
    unit = tmp_path / "trimtab.service"
    unit.write_text(text.replace("/opt/trimtab/bin/trimtabd", "/bin/true"))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "trimtab.service:" not in done.stderr
