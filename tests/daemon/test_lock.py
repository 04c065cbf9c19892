"""One daemon per data folder."""

import subprocess
import sys
from pathlib import Path

import pytest

from daemon.lock import LOCK_NAME, hold
from ledger.errors import StartError

HOLDER = """
import sys
from pathlib import Path
from daemon.lock import hold
with hold(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def start_holder(folder: Path) -> subprocess.Popen[str]:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    return holder


def end(holder: subprocess.Popen[str]) -> None:
    holder.kill()
    holder.communicate()


def test_s3_two_holders_are_impossible_even_after_a_crash(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    first = start_holder(folder)
    try:
        told = rf"another trimtabd \(pid {first.pid}\) is using {folder}"
        with pytest.raises(StartError, match=told), hold(folder):
            pass
        inode = (folder / LOCK_NAME).stat().st_ino
    finally:
        end(first)
    second = start_holder(folder)
    try:
        assert (folder / LOCK_NAME).stat().st_ino == inode
        with pytest.raises(StartError, match=f"pid {second.pid}"), hold(folder):
            pass
    finally:
        end(second)


def test_the_lock_is_free_again_after_it_was_held(tmp_path: Path) -> None:
    for _ in range(2):
        with hold(tmp_path):
            pass
    assert (tmp_path / LOCK_NAME).exists()


def test_within_one_process_it_excludes_too(tmp_path: Path) -> None:
    with hold(tmp_path), pytest.raises(StartError, match="another trimtabd"), hold(tmp_path):
        pass


def test_an_unusable_folder_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    told = "cannot use the data folder"
    with pytest.raises(StartError, match=told), hold(tmp_path / "file" / "data"):
        pass


def test_a_disk_without_space_for_the_pid_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / LOCK_NAME).symlink_to("/dev/full")
    with pytest.raises(StartError, match="cannot use the data folder"), hold(tmp_path):
        pass
