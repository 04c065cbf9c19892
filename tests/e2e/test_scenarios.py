"""Every scenario, played by a real daemon to the end that its folder promises."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e import books
from tools.play_scenario import LIMIT_S, names, play

pytestmark = [pytest.mark.slow, pytest.mark.timeout(LIMIT_S + 60)]


@pytest.mark.parametrize("name", names())
async def test_a_scenario_ends_as_its_folder_says(name: str, tmp_path: Path) -> None:
    data, lines = tmp_path / "data", list[str]()
    faults = await play(name, data=data, say=lines.append)
    assert faults == [], "\n".join(lines)
    books.assert_files_are_sound(data)
    books.assert_every_order_has_one_intent(data)
    books.assert_every_fill_is_recorded_once(data)
