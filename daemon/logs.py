"""Log lines as JSON into the data folder, and for people on a terminal or in the journal.

Every record, ours or a library's, goes through one bounded queue to one writer thread: a card
that stalls for a second must not stall the loop. When the queue is full, lines are dropped and
counted. Nothing is synced: a log is not a ledger. Secrets are blotted out before a line is
written, by the name of their field, by their shape and by their exact text.
"""

from __future__ import annotations

import logging
import logging.handlers
import queue
import sys
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor

from daemon.redact import Redactor
from ledger.errors import StartError

LOG_FOLDER = "logs"
LOG_NAME = "trimtab.log"
MAX_BYTES = 5 * 1024 * 1024
BACKUPS = 3
QUEUE_LINES = 4096
STOP_S = 2.0

_PRIORITIES = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}

correlated = structlog.contextvars.bound_contextvars
"""`with correlated(correlation_id=…)`: every line of this task carries it."""


class QueueFeed(logging.handlers.QueueHandler):
    """Hands records to the writer thread; drops and counts them when it cannot keep up."""

    def __init__(self, lines: queue.Queue[logging.LogRecord | None]) -> None:
        super().__init__(lines)
        self.dropped = 0

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        return record  # formatted by the writer thread, off the loop

    def enqueue(self, record: logging.LogRecord) -> None:
        try:
            self.queue.put_nowait(record)
        except queue.Full:
            self.dropped += 1


class Writer(threading.Thread):
    """Takes records off the queue and writes them with every handler that wants them."""

    def __init__(
        self, lines: queue.Queue[logging.LogRecord | None], handlers: Sequence[logging.Handler]
    ) -> None:
        super().__init__(name="log-writer", daemon=True)
        self._lines = lines
        self._handlers = handlers

    def run(self) -> None:
        while (record := self._lines.get()) is not None:
            for handler in self._handlers:
                if record.levelno >= handler.level:
                    handler.handle(record)

    def stop(self) -> None:
        """Write what is queued; a writer that hangs is left behind after STOP_S."""
        try:
            self._lines.put(None, timeout=STOP_S)
        except queue.Full:
            return
        self.join(STOP_S)
        for handler in self._handlers:
            handler.close()


class LogSession:
    """The running log: what was dropped, and which secrets to blot out."""

    def __init__(self, feed: QueueFeed, redactor: Redactor) -> None:
        self._feed = feed
        self.redactor = redactor

    @property
    def dropped(self) -> int:
        """Lines lost because the writer could not keep up."""
        return self._feed.dropped


@contextmanager
def logging_to(
    data: Path, *, level: str = "INFO", stream: TextIO = sys.stderr, journal: bool = False
) -> Generator[LogSession]:
    """Log below `data` until the block ends, and to `stream` when people read it.

    `journal` says that `stream` leads to the system's journal: warnings go there with their
    priority. Otherwise it gets lines only when it is a terminal. Raises StartError when the log
    cannot be written.
    """
    redactor = Redactor()
    lines: queue.Queue[logging.LogRecord | None] = queue.Queue(QUEUE_LINES)
    feed = QueueFeed(lines)
    handlers = [_file_handler(data / LOG_FOLDER / LOG_NAME, redactor)]
    if journal or stream.isatty():
        handlers.append(_people_handler(stream, redactor, journal=journal))
    writer = Writer(lines, handlers)
    writer.start()
    root = logging.getLogger()
    before = root.handlers[:], root.level
    root.handlers, root.level = [feed], logging.getLevelNamesMapping()[level]
    _configure_structlog()
    try:
        yield LogSession(feed, redactor)
    finally:
        root.handlers, root.level = before
        structlog.reset_defaults()
        writer.stop()


def _configure_structlog() -> None:
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_shared(),
            structlog.processors.format_exc_info,  # the writer's thread has no current exception
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def _shared() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
    ]


def _file_handler(path: Path, redactor: Redactor) -> logging.Handler:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
        handler = logging.handlers.RotatingFileHandler(
            path, maxBytes=MAX_BYTES, backupCount=BACKUPS, encoding="utf-8"
        )
    except OSError as error:
        raise StartError(f"cannot write the log {path}: {error.strerror}") from error
    handler.setFormatter(_formatter(redactor, structlog.processors.JSONRenderer(default=str)))
    return handler


def _people_handler(stream: TextIO, redactor: Redactor, *, journal: bool) -> logging.Handler:
    handler = logging.StreamHandler(stream)
    if journal:
        handler.setLevel(logging.WARNING)
        handler.setFormatter(_formatter(redactor, _journal_line))
    else:
        renderer = structlog.dev.ConsoleRenderer(
            timestamp_key="at", exception_formatter=structlog.dev.plain_traceback
        )
        handler.setFormatter(_formatter(redactor, renderer))
    return handler


def _formatter(redactor: Redactor, renderer: Processor) -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        processors=[
            _stamp,
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            redactor,
            renderer,
        ],
        foreign_pre_chain=_shared(),
    )


def _stamp(_logger: object, _method: str, event: EventDict) -> EventDict:
    """When the record was made, not when it was written."""
    made = datetime.fromtimestamp(event["_record"].created, UTC)
    event["at"] = made.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return event


def _journal_line(_logger: object, _method: str, event: EventDict) -> str:
    """`<priority>text key=value`: the journal keeps the priority and stamps the time itself."""
    level = str(event.pop("level", "info"))
    fields = {key: event[key] for key in event if key not in {"at", "event", "logger", "exception"}}
    details = "".join(f" {key}={value}" for key, value in fields.items())
    return f"<{_PRIORITIES.get(level, 6)}>{event.get('event', '')}{details}".replace("\n", " ")
