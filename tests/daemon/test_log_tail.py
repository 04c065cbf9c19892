"""Reading the log backwards, page by page."""

import json
from pathlib import Path

import pytest

from daemon import log_tail
from daemon.log_tail import PAGE_MAX, Page, tail


def write(path: Path, count: int, *, pad: int = 0) -> list[str]:
    levels = ("debug", "info", "warning", "error")
    lines = [
        json.dumps({"event": f"e{number}", "level": levels[number % 4], "pad": "x" * pad})
        for number in range(count)
    ]
    path.write_text("".join(f"{line}\n" for line in lines))
    return lines


def test_the_last_lines_come_oldest_first(tmp_path: Path) -> None:
    lines = write(tmp_path / "log", 10)
    page = tail(tmp_path / "log", lines=3)
    assert list(page.lines) == lines[-3:]
    assert not page.truncated


def test_pages_put_together_are_the_whole_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_tail, "BLOCK", 37)
    lines = write(tmp_path / "log", 50)
    seen: list[str] = []
    before: int | None = None
    for _ in range(100):
        page = tail(tmp_path / "log", lines=7, before=before)
        seen = [*page.lines, *seen]
        before = page.before
        if before is None:
            break
    assert seen == lines


def test_a_level_is_a_minimum_and_a_search_ignores_case(tmp_path: Path) -> None:
    lines = write(tmp_path / "log", 8)
    assert list(tail(tmp_path / "log", lines=9, level="warning").lines) == [
        lines[2], lines[3], lines[6], lines[7],
    ]  # fmt: skip
    assert list(tail(tmp_path / "log", lines=9, search="E5").lines) == [lines[5]]


def test_an_answer_stays_below_its_size(tmp_path: Path) -> None:
    write(tmp_path / "log", 100, pad=2000)
    page = tail(tmp_path / "log", lines=1000)
    assert sum(len(line) for line in page.lines) <= PAGE_MAX
    assert page.before is not None
    (tmp_path / "huge").write_text("x" * (2 * PAGE_MAX))
    assert [len(line) for line in tail(tmp_path / "huge", lines=1).lines] == [PAGE_MAX]


def test_a_scan_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_tail, "BLOCK", 100)
    monkeypatch.setattr(log_tail, "SCAN_MAX", 1000)
    write(tmp_path / "log", 100)
    page = tail(tmp_path / "log", lines=5, search="nowhere")
    assert page.lines == ()
    assert page.truncated
    assert page.before is not None


def test_no_log_and_an_odd_line_are_no_error(tmp_path: Path) -> None:
    assert tail(tmp_path / "none", lines=5) == Page((), None, truncated=False)
    (tmp_path / "log").write_bytes(b"\n[1]\nplain \xff text")
    assert list(tail(tmp_path / "log", lines=5).lines) == ["[1]", "plain \ufffd text"]
