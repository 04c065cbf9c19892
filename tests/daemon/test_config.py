"""The configuration file: defaults, bounds, and errors that say where and what."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from daemon.config import DEMO_RATE, Config, HaltConfig, load
from daemon.config_values import Bind
from hw.button import CHIP
from ledger.errors import StartError

HOME = {"HOME": "/home/owner"}


def config_of(
    tmp_path: Path,
    text: str,
    *,
    data: Path | None = None,
    demo: bool = False,
    environ: dict[str, str] | None = None,
) -> Config:
    file = tmp_path / "trimtab.toml"
    file.write_text(text)
    return load(file, data=data, demo=demo, environ=HOME if environ is None else environ)


def errors_of(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(StartError) as caught:
        config_of(tmp_path, text)
    return [line.removeprefix(f"{tmp_path}/") for line in str(caught.value).splitlines()]


def test_an_empty_file_runs_the_paper_broker_at_live_pace(tmp_path: Path) -> None:
    config = config_of(tmp_path, "")
    assert config.broker == "paper"
    assert config.base_currency == "EUR"
    assert config.paper.market is None
    assert config.paper.start is None
    assert config.paper.rate == 1.0
    assert config.http == Bind("127.0.0.1", 8000)
    assert config.http.loopback
    assert config.data == Path("/home/owner/.local/share/trimtab")
    assert config.socket == config.data / "control.sock"


def test_no_file_is_the_same_as_an_empty_file(tmp_path: Path) -> None:
    assert load(None, data=None, demo=False, environ=HOME) == config_of(tmp_path, "")


def test_every_key_is_read(tmp_path: Path) -> None:
    market = tmp_path / "market"
    market.mkdir()
    config = config_of(
        tmp_path,
        """
        [account]
        base_currency = "EUR"
        timezone = "Europe/Athens"
        [broker]
        kind = "paper"
        [paper]
        market = "market"
        start = 2015-01-02T08:00:00+02:00
        rate = 60
        seed = 7
        opening = "mine.csv"
        [tradernet]
        base_url = "https://tradernet.com/"
        keys_file = "/run/keys"
        [http]
        bind = "[::1]:9000"
        [control]
        socket = "/run/x.sock"
        [display]
        driver = "null"
        rows = 16
        columns = 32
        brightness = 0
        [storage]
        dir = "data"
        """,
    )
    assert config.timezone.key == "Europe/Athens"
    assert config.paper.market == market
    assert config.paper.start == datetime(2015, 1, 2, 6, tzinfo=UTC)
    assert (config.paper.rate, config.paper.seed) == (60.0, 7)
    assert config.paper.opening == tmp_path / "mine.csv"
    assert config.tradernet.base_url == "https://tradernet.com"
    assert config.tradernet.keys_file == Path("/run/keys")
    assert str(config.http) == "[::1]:9000"
    assert config.socket == Path("/run/x.sock")
    assert (config.display.driver, config.display.rows, config.display.columns) == ("null", 16, 32)
    assert config.display.brightness == 0
    assert config.data == tmp_path / "data"


def test_the_demo_runs_fast_unless_the_file_names_a_pace(tmp_path: Path) -> None:
    assert config_of(tmp_path, "", demo=True).paper.rate == DEMO_RATE
    assert config_of(tmp_path, "[paper]\nrate = 2", demo=True).paper.rate == 2.0


def test_the_command_line_folder_wins_over_file_and_service(tmp_path: Path) -> None:
    environ = {"STATE_DIRECTORY": "/var/lib/a:/var/lib/b", "RUNTIME_DIRECTORY": "/run/a"}
    service = config_of(tmp_path, "", environ=environ)
    assert service.data == Path("/var/lib/a")
    assert service.socket == Path("/run/a/control.sock")
    named = config_of(tmp_path, "[storage]\ndir = '/x'", environ=environ)
    assert (named.data, named.socket) == (Path("/x"), Path("/x/control.sock"))
    given = config_of(tmp_path, "[storage]\ndir = '/x'", data=Path("/y"), environ=environ)
    assert given.data == Path("/y")


def test_an_unknown_key_is_an_error_with_its_line_and_a_suggestion(tmp_path: Path) -> None:
    assert errors_of(tmp_path, "# mine\n[paper]\nseed = 1\nrat = 2\n") == [
        "trimtab.toml:4: unknown key [paper] rat, did you mean rate?"
    ]


def test_an_unknown_table_is_an_error_with_its_line_and_a_suggestion(tmp_path: Path) -> None:
    assert errors_of(tmp_path, "\n[papper]\nrate = 2\n") == [
        "trimtab.toml:2: unknown table [papper], did you mean paper?"
    ]


def test_all_errors_are_reported_together(tmp_path: Path) -> None:
    text = '[paper]\nrate = 0\nseed = -1\n[display]\nrows = true\n[http]\nbind = "x:1"\n'
    lines = errors_of(tmp_path, text)
    assert len(lines) == 4
    pace = "must be a number from 0.001 to 1000000 market seconds per second"
    assert f"trimtab.toml:2: [paper] rate = 0: {pace}" in lines
    assert "trimtab.toml:3: [paper] seed = -1: must be a whole number from 0 to 4294967295" in lines
    assert "trimtab.toml:5: [display] rows = True: must be a whole number from 1 to 256 rows" in (
        lines
    )


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ('[broker]\nkind = "tradernet"', 2, "this build has the paper broker only"),
        ('[broker]\nkind = "papr"', 2, "did you mean paper?"),
        ('[account]\nbase_currency = "USD"', 2, "must be EUR"),
        ('[account]\ntimezone = "Mars/Base"', 2, "must be the name of a time zone"),
        ('[account]\ntimezone = "../etc"', 2, "must be the name of a time zone"),
        ('[paper]\nmarket = "nowhere"', 2, "a folder that exists"),
        ("[paper]\nstart = 2015-01-02T08:00:00", 2, "must end in Z"),
        ('[paper]\nstart = "soon"', 2, "must be an instant"),
        ("[paper]\nstart = 5", 2, "must be an instant"),
        ("[paper]\nrate = nan", 2, "must be a number"),
        ("[paper]\nrate = true", 2, "must be a number"),
        ('[tradernet]\nbase_url = "http://tradernet.com"', 2, "https://"),
        ('[http]\nbind = "8000"', 2, "must be address:port"),
        ('[http]\nbind = "127.0.0.1:99999"', 2, "port from 0 to 65535"),
        ('[http]\nbind = "example.org:80"', 2, "must be address:port"),
        (f'[control]\nsocket = "/{"x" * 120}"', 2, "at most 107 bytes"),
        ('[display]\ndriver = "terminl"', 2, "did you mean terminal?"),
        ("[display]\nbrightness = 256", 2, "from 0 to 255"),
        ('[storage]\ndir = ""', 2, "not empty"),
        ("paper.rate = 0", 1, "must be a number"),
        ("paper = {rate = 0}", 1, "must be a number"),
        ("paper = 3", 1, "must be a table"),
        ("seed = 3", 1, "unknown key seed"),
    ],
)
def test_a_bad_value_names_its_line_and_bound(
    tmp_path: Path, text: str, line: int, says: str
) -> None:
    [error] = errors_of(tmp_path, text)
    assert error.startswith(f"trimtab.toml:{line}: ")
    assert says in error


def test_a_start_may_be_a_date_or_a_text(tmp_path: Path) -> None:
    midnight = datetime(2009, 1, 5, tzinfo=UTC)
    for value in ("2009-01-05", '"2009-01-05"', '"2009-01-05T01:00:00+01:00"'):
        assert config_of(tmp_path, f"[paper]\nstart = {value}").paper.start == midnight


def test_a_broken_or_absent_file_is_one_clear_line(tmp_path: Path) -> None:
    [broken] = errors_of(tmp_path, "[paper\nrate = 1")
    assert "not valid TOML" in broken
    with pytest.raises(StartError, match="cannot be read"):
        load(tmp_path / "none.toml", data=None, demo=False, environ=HOME)


def test_http_beyond_this_machine_is_told_apart() -> None:
    assert not Bind("0.0.0.0", 80).loopback
    assert Bind("localhost", 80).loopback


def test_a_halt_button_is_on_the_first_chip_unless_another_is_named(tmp_path: Path) -> None:
    assert config_of(tmp_path, "").halt == HaltConfig(None, CHIP)
    assert config_of(tmp_path, "[halt]\npin = 17\n").halt == HaltConfig(17, CHIP)
    text = '[halt]\npin = 0\nchip = "/dev/gpiochip4"\n'
    assert config_of(tmp_path, text).halt == HaltConfig(0, Path("/dev/gpiochip4"))


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("pin = -1", "pin = -1: must be a whole number from 0 to 1023"),
        ("pin = true", "pin = True: must be a whole number"),
        ('pin = "17"', 'pin = "17": must be a whole number'),
        ('chip = "/dev/gpiochip0"', "needs [halt] pin"),
        ('pin = 17\nchip = "gpiochip0"', "must be the whole path"),
        ("pins = 17", "unknown key [halt] pins, did you mean pin?"),
    ],
)
def test_a_halt_button_that_is_not_clear_is_an_error(tmp_path: Path, text: str, error: str) -> None:
    (found,) = errors_of(tmp_path, f"[halt]\n{text}\n")
    assert error in found
