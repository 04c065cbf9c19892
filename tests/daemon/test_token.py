"""The bearer token, login codes and sessions."""

import stat
from pathlib import Path

import pytest

from daemon.token import (
    CODE_LIFE_S,
    CODES_MAX,
    SESSION_LIFE_S,
    SESSIONS_MAX,
    TOKEN_MIN,
    TOKEN_NAME,
    LoginCodes,
    load_or_create_token,
    same_secret,
)
from ledger.errors import StartError


class Now:
    def __init__(self) -> None:
        self.s = 0.0

    def __call__(self) -> float:
        return self.s


@pytest.fixture
def now() -> Now:
    return Now()


@pytest.fixture
def codes(now: Now) -> LoginCodes:
    return LoginCodes(now_s=now)


def test_the_token_is_made_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    token = load_or_create_token(tmp_path)
    assert len(token) >= TOKEN_MIN
    assert stat.S_IMODE((tmp_path / TOKEN_NAME).stat().st_mode) == 0o600
    assert load_or_create_token(tmp_path) == token
    assert load_or_create_token(_folder(tmp_path / "other")) != token


def test_a_token_that_finds_no_space_leaves_nothing_that_blocks_the_next_start(
    tmp_path: Path,
) -> None:
    fresh = (tmp_path / TOKEN_NAME).with_suffix(".new")
    fresh.symlink_to("/dev/full")
    with pytest.raises(StartError, match="No space left on device"):
        load_or_create_token(tmp_path)
    assert not (tmp_path / TOKEN_NAME).exists()
    fresh.unlink()
    assert len(load_or_create_token(tmp_path)) >= TOKEN_MIN


def test_a_token_that_others_can_read_is_refused(tmp_path: Path) -> None:
    load_or_create_token(tmp_path)
    (tmp_path / TOKEN_NAME).chmod(0o640)
    with pytest.raises(StartError, match="mode 640 lets others read it"):
        load_or_create_token(tmp_path)


@pytest.mark.parametrize("content", ["", "short", "ü" * 40])
def test_a_damaged_token_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / TOKEN_NAME
    file.write_text(content)
    file.chmod(0o600)
    with pytest.raises(StartError, match="holds no token"):
        load_or_create_token(tmp_path)


def test_a_folder_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="cannot be created"):
        load_or_create_token(tmp_path / "absent")


def test_a_code_works_once(codes: LoginCodes) -> None:
    code = codes.issue()
    session_id = codes.redeem(code)
    assert session_id is not None
    assert codes.session(session_id) is not None
    assert codes.redeem(code) is None
    assert codes.redeem("") is None
    assert codes.redeem("ü") is None


def test_a_code_expires(codes: LoginCodes, now: Now) -> None:
    code = codes.issue()
    now.s = CODE_LIFE_S
    assert codes.redeem(code) is None


def test_a_session_expires(codes: LoginCodes, now: Now) -> None:
    session_id = codes.redeem(codes.issue())
    assert session_id is not None
    now.s = SESSION_LIFE_S - 1
    assert codes.session(session_id) is not None
    now.s = SESSION_LIFE_S
    assert codes.session(session_id) is None


def test_each_session_has_a_csrf_token_of_its_own(codes: LoginCodes) -> None:
    one, two = codes.redeem(codes.issue()), codes.redeem(codes.issue())
    assert one is not None
    assert two is not None
    session = codes.session(one)
    assert session is not None
    assert codes.csrf_ok(one, session.csrf)
    assert not codes.csrf_ok(two, session.csrf)
    assert not codes.csrf_ok(one, "")
    assert not codes.csrf_ok("nobody", session.csrf)


def test_logging_out_ends_the_session(codes: LoginCodes) -> None:
    session_id = codes.redeem(codes.issue())
    assert session_id is not None
    codes.log_out(session_id)
    codes.log_out("nobody")
    assert codes.session(session_id) is None


def test_codes_and_sessions_are_bounded_and_the_oldest_gives_way(codes: LoginCodes) -> None:
    issued = [codes.issue() for _ in range(CODES_MAX + 1)]
    assert codes.redeem(issued[0]) is None
    assert codes.redeem(issued[1]) is not None
    sessions = [codes.redeem(codes.issue()) or "" for _ in range(SESSIONS_MAX + 1)]
    assert codes.session(sessions[0]) is None
    assert codes.session(sessions[1]) is not None


def test_secrets_compare_by_content() -> None:
    assert same_secret("a", "a")
    assert not same_secret("a", "b")


def _folder(path: Path) -> Path:
    path.mkdir()
    return path
