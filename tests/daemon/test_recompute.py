"""Making a plan again without a daemon: on the data folder, under its lock."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio

from daemon.client import main
from daemon.client_link import CallFailed
from daemon.lock import hold
from daemon.recompute import recompute_offline
from store.store import open_store


def ledger_in(folder: Path) -> Path:
    async def create() -> None:
        async with open_store(folder, engine="inline"):
            pass

    trio.run(create)
    return folder


def test_a_folder_without_a_ledger_is_left_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(CallFailed, match="holds no ledger"):
        recompute_offline(tmp_path / "nothing", "P1")
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_plan_is_missing(tmp_path: Path) -> None:
    with pytest.raises(CallFailed) as caught:
        recompute_offline(ledger_in(tmp_path), "P1")
    assert (caught.value.code, "P1" in str(caught.value)) == ("not_found", True)


def test_a_folder_in_use_is_not_touched(tmp_path: Path) -> None:
    ledger_in(tmp_path)
    with hold(tmp_path), pytest.raises(CallFailed, match="another trimtabd"):
        recompute_offline(tmp_path, "P1")


def test_the_client_looks_into_the_folder_when_no_daemon_answers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["recompute", "P1", "--data", str(ledger_in(tmp_path))])
    out, err = capsys.readouterr()
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "there is no plan P1" in err
