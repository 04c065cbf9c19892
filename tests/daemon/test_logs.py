"""Log lines: JSON, blotted, bounded, and never in the way of the loop."""

import io
import json
import logging
import queue
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from daemon.logs import LOG_FOLDER, LOG_NAME, QueueFeed, correlated, logging_to
from daemon.redact import BLOT, Redactor
from ledger.errors import StartError


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def lines_of(data: Path) -> list[dict[str, Any]]:
    text = (data / LOG_FOLDER / LOG_NAME).read_text()
    return [json.loads(line) for line in text.splitlines()]


def fail(text: str) -> None:
    raise ValueError(text)


@pytest.fixture(autouse=True)
def restored_logging() -> Iterator[None]:
    before = logging.getLogger().handlers[:]
    yield
    assert logging.getLogger().handlers == before


def test_a_line_is_json_with_instant_level_logger_and_fields(tmp_path: Path) -> None:
    with logging_to(tmp_path, stream=io.StringIO()):
        structlog.stdlib.get_logger("actors.sync").info("synced", fills=3)
    [line] = lines_of(tmp_path)
    assert line.pop("at").endswith("Z")
    assert line == {"event": "synced", "level": "info", "logger": "actors.sync", "fills": 3}


def test_lines_of_libraries_arrive_in_the_same_form(tmp_path: Path) -> None:
    with logging_to(tmp_path, stream=io.StringIO()):
        logging.getLogger("hypercorn.error").warning("slow %s", "client")
        logging.getLogger("x").debug("below the level")
    [line] = lines_of(tmp_path)
    assert (line["event"], line["level"]) == ("slow client", "warning")


def test_a_crash_carries_its_traceback(tmp_path: Path) -> None:
    with logging_to(tmp_path, stream=io.StringIO()):
        try:
            fail("boom")
        except ValueError:
            structlog.stdlib.get_logger("x").exception("failed")
    [line] = lines_of(tmp_path)
    assert "ValueError: boom" in line["exception"]


def test_a_correlation_id_is_on_every_line_of_its_block(tmp_path: Path) -> None:
    log = structlog.stdlib.get_logger("x")
    with logging_to(tmp_path, stream=io.StringIO()):
        with correlated(correlation_id="ctl-7"):
            log.info("inside")
            logging.getLogger("lib").info("inside too")
        log.info("outside")
    assert [line.get("correlation_id") for line in lines_of(tmp_path)][::2] == ["ctl-7", None]


def test_people_see_lines_on_a_terminal_only(tmp_path: Path) -> None:
    terminal, pipe = Terminal(), io.StringIO()
    for stream in (terminal, pipe):
        with logging_to(tmp_path, stream=stream):
            structlog.stdlib.get_logger("x").info("hello", number=5)
    assert "hello" in terminal.getvalue()
    assert "number" in terminal.getvalue()
    assert pipe.getvalue() == ""


def test_the_journal_gets_warnings_with_their_priority_on_one_line(tmp_path: Path) -> None:
    journal = io.StringIO()
    with logging_to(tmp_path, stream=journal, journal=True):
        structlog.stdlib.get_logger("x").info("quiet")
        structlog.stdlib.get_logger("x").error("loud", actor="sync", text="a\nb")
    assert journal.getvalue() == "<3>loud actor=sync text=a b\n"


def test_secrets_never_reach_the_file(tmp_path: Path) -> None:
    with logging_to(tmp_path, stream=io.StringIO()) as session:
        session.redactor.know("correct-horse-battery")
        log = structlog.stdlib.get_logger("x")
        try:
            fail("rejected correct-horse-battery")
        except ValueError:
            log.exception("call", api_token="abc", headers={"Authorization": "Bearer xyz.1"})
        log.info("GET /login?code=s3cret&x=1 with Bearer abc.def", deep=["correct-horse-battery"])
        logging.getLogger("lib").info("key correct-horse-battery")
    text = (tmp_path / LOG_FOLDER / LOG_NAME).read_text()
    for secret in ("correct-horse", "abc", "xyz", "s3cret"):
        assert secret not in text
    assert f"code={BLOT}&x=1 with Bearer {BLOT}" in text


def test_the_redactor_keeps_what_is_no_secret() -> None:
    event = {"event": "x", "count": 3, "ok": True, "none": None, "money": {"EUR": 1.5}, "t": (1,)}
    assert Redactor()(None, "info", dict(event)) == {**event, "t": [1]}


def test_a_full_queue_drops_and_counts_instead_of_waiting() -> None:
    feed = QueueFeed(queue.Queue(2))
    for number in range(5):
        feed.handle(logging.LogRecord("x", logging.INFO, "", 0, str(number), (), None))
    assert feed.dropped == 3


def test_nothing_is_dropped_in_an_ordinary_run(tmp_path: Path) -> None:
    with logging_to(tmp_path, stream=io.StringIO()) as session:
        for number in range(500):
            structlog.stdlib.get_logger("x").info("line", number=number)
    assert session.dropped == 0
    assert [line["number"] for line in lines_of(tmp_path)] == list(range(500))


def test_a_log_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / LOG_FOLDER).touch()
    with pytest.raises(StartError, match="cannot write the log"), logging_to(tmp_path):
        pass
