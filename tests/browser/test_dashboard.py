"""The dashboard as its owner sees it: live, complete on a phone, careful with what it changes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.browser.chrome import Page, chromium
from tests.browser.server import Served, serving_world
from tests.web.world import CODE, display, owner_latch, plan, portfolio, trading
from web.static_files import CHART, load
from wire.messages import RaiseLatch, Resume, SetMode

pytestmark = pytest.mark.browser


@pytest.fixture
def served() -> Iterator[Served]:
    with serving_world() as server:
        yield server


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    with chromium(tmp_path / "profile") as tab:
        yield tab


def watch(page: Page, served: Served) -> None:
    """Open the dashboard without logging in and wait for its first figures."""
    page.open(served.url + "/")
    page.until("document.querySelector('#total').textContent.includes('19')")
    page.until("document.querySelectorAll('#positions tbody tr').length === 7")


def log_in(page: Page, served: Served) -> None:
    page.open(f"{served.url}/login?code={CODE}")
    page.until("document.querySelector('#total').textContent.includes('19')")
    page.until("!document.querySelector('#halt-button').disabled")


def test_a_publication_shows_without_a_reload(page: Page, served: Served) -> None:
    watch(page, served)
    page.value("window.before = 'still here'")

    def move() -> None:
        served.world.boards.portfolio.publish(portfolio(extra="1000"))
        served.world.boards.plan.publish(plan("01HPLAN0000000000000000002"))
        served.world.tell("PORTFOLIO_CHANGED")
        served.world.tell("PLAN_GENERATED")

    served.do(move)
    page.until("document.querySelector('#total').textContent.replace(/[^0-9]/g, '') === '2021660'")
    page.until("document.querySelector('#plan-steps li').dataset.key.includes('0002-1')")
    assert page.value("window.before") == "still here"


def test_every_panel_is_filled(page: Page, served: Served) -> None:
    watch(page, served)
    page.until("document.querySelectorAll('#actors li').length === 9")
    for selector, rows in [
        ("#cash tbody tr", 3), ("#plan-steps li", 3), ("#orders tbody tr", 3),
        ("#trades tbody tr", 3), ("#jobs tbody tr", 5), ("#markets li", 3),
    ]:  # fmt: skip
        page.until(f"document.querySelectorAll('{selector}').length === {rows}")
    assert "G6: bought 12 days ago" in page.text("#orders")
    assert page.text("#paper") == "Paper"
    assert page.value("document.querySelectorAll('#positions .badge.demo').length") == 2
    assert page.text("#state") == "All well"


def test_the_canvas_shows_exactly_the_pixels_of_the_matrix(page: Page, served: Served) -> None:
    watch(page, served)
    page.value("document.querySelector('#matrix').scrollIntoView()")
    for offset in (0, 3):
        shown = display(offset=offset, text=f"FRAME {offset}")
        served.do(partial(served.world.boards.display.publish, shown))
        page.until(f"document.querySelector('#matrix-text').textContent === 'FRAME {offset}'")
        assert lamps(page, shown.rows, shown.columns) == shown.pixels


def lamps(page: Page, rows: int, columns: int) -> bytes:
    """The colour in the middle of every lamp of the mirror."""
    found: list[int] = page.value(f"""(() => {{
      const canvas = document.querySelector('#matrix'), pen = canvas.getContext('2d');
      const cell = canvas.width / {columns}, colours = [];
      for (let y = 0; y < {rows}; y++) for (let x = 0; x < {columns}; x++)
        colours.push(...pen.getImageData((x + .5) * cell, (y + .5) * cell, 1, 1).data.slice(0, 3));
      return colours;
    }})()""")
    return bytes(found)


def test_the_matrix_is_not_asked_for_while_nobody_can_see_it(page: Page, served: Served) -> None:
    page.size(375, 500, phone=True)
    watch(page, served)
    frames = [address for address in page.requests if address.endswith("/api/display/state")]
    assert frames == []


def test_nothing_is_asked_of_another_host_and_nothing_fails(page: Page, served: Served) -> None:
    log_in(page, served)
    page.until("document.querySelectorAll('#actors li').length === 9")
    assert page.strangers(served.url) == []
    assert page.problems == []
    assert len(page.requests) > 10


@pytest.mark.parametrize("width", [320, 375, 768, 1366])
def test_no_width_needs_sideways_scrolling(page: Page, served: Served, width: int) -> None:
    page.size(width, 800, phone=width < 700)
    watch(page, served)
    page.until("document.querySelectorAll('#orders tbody tr').length === 3")
    assert page.value("document.documentElement.scrollWidth") <= width


def test_without_a_session_it_only_shows(page: Page, served: Served) -> None:
    watch(page, served)
    disabled: Any = page.value(
        "[...document.querySelectorAll('.actions button')].every((button) => button.disabled)"
    )
    assert disabled
    assert "trimtab status" in page.text("#login-hint")


def test_halting_takes_two_steps(page: Page, served: Served) -> None:
    log_in(page, served)
    page.click("#halt-button")
    page.until("document.querySelector('#halt-dialog').open")
    page.click("#halt-dialog button[value='cancel']")
    page.until("!document.querySelector('#halt-dialog').open")
    assert served.asked == []
    page.click("#halt-button")
    page.type("#halt-reason", "odd fills")
    page.click("#halt-dialog [data-act]")
    page.until("!document.querySelector('#halted').hidden")
    assert served.asked == [RaiseLatch("owner", "odd fills", "http:dashboard@127.0.0.1")]
    assert page.text("#state") == "Halted"


def test_resuming_needs_a_typed_word(page: Page, served: Served) -> None:
    served.do(lambda: served.world.boards.trading.publish(trading(owner_latch())))
    log_in(page, served)
    page.until("!document.querySelector('#halted').hidden")
    page.click("#resume-button")
    assert page.value("document.querySelector('#resume-dialog [data-act]').disabled")
    page.type("#resume-dialog [data-typed]", "resum")
    assert page.value("document.querySelector('#resume-dialog [data-act]').disabled")
    page.type("#resume-dialog [data-typed]", "e")
    page.click("#resume-dialog [data-act]")
    page.until("document.querySelector('#halted').hidden")
    assert served.asked == [Resume(("owner",), confirm=True, by="http:dashboard@127.0.0.1")]


def test_going_live_needs_a_typed_word_and_research_does_not(page: Page, served: Served) -> None:
    served.do(lambda: served.world.boards.trading.publish(trading(mode="research")))
    log_in(page, served)
    page.until("document.querySelector('#mode').textContent === 'research'")
    page.click("#mode-button")
    assert page.value("document.querySelector('#mode-dialog [data-act]').disabled")
    page.click("#mode-dialog input[value='live']")
    assert page.value("document.querySelector('#mode-dialog [data-act]').disabled")
    page.type("#mode-typed input", "live")
    page.click("#mode-dialog [data-act]")
    page.until("document.querySelector('#mode').textContent === 'live'")
    page.click("#mode-button")
    page.click("#mode-dialog input[value='research']")
    page.click("#mode-dialog [data-act]")
    page.until("document.querySelector('#mode').textContent === 'research'")
    assert [type(ask) for ask in served.asked] == [SetMode, SetMode]


def test_a_silent_daemon_is_said_to_be_silent(page: Page, served: Served) -> None:
    watch(page, served)
    page.value("""(() => {
      const real = performance.now.bind(performance);
      performance.now = () => real() + 16000;
    })()""")
    page.until("!document.querySelector('#stale').hidden")
    assert page.text("#state") == "No contact"


@pytest.mark.skipif(CHART not in load(), reason="the chart library is not built in")
def test_the_chart_is_drawn_and_says_its_figures(page: Page, served: Served) -> None:
    watch(page, served)
    page.until("document.querySelector('#chart canvas')")
    label = page.value("document.querySelector('#chart').getAttribute('aria-label')")
    assert "from €" in label
    page.click("[data-days='30']")
    page.until(
        "document.querySelector('[data-days=\"30\"]').getAttribute('aria-pressed') === 'true'"
    )


def test_every_control_and_region_has_a_name(page: Page, served: Served) -> None:
    watch(page, served)
    unnamed: Any = page.value("""[...document.querySelectorAll(
        'button, section, table, input, canvas, progress, [role=img]')].filter((node) => !(
        node.textContent.trim() || node.getAttribute('aria-label')
        || document.getElementById(node.getAttribute('aria-labelledby'))
        || node.closest('label, [role=img]:not(canvas)') || node.caption)
        ).map((node) => node.outerHTML.slice(0, 80))""")
    assert unnamed == []
    assert page.value("document.documentElement.lang") == "en"
    assert page.value("document.querySelector('.total').getAttribute('aria-live')") == "polite"
