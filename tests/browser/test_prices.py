"""Prices on the dashboard: a small line beside each position, and a chart behind its name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.chrome import Page, chromium
from tests.browser.server import Served, serving_world
from tests.browser.test_dashboard import watch
from wire.chart_asks import PriceChart

pytestmark = pytest.mark.browser
PLACE = "[data-spark='IBE.EU']"


@pytest.fixture
def served() -> Iterator[Served]:
    with serving_world() as server:
        yield server


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    with chromium(tmp_path / "profile") as tab:
        yield tab


def test_a_position_has_a_small_line_when_there_are_prices(page: Page, served: Served) -> None:
    watch(page, served)
    page.until(f'document.querySelector("{PLACE} svg polyline")')
    line = page.value(f"document.querySelector(\"{PLACE} svg\").getAttribute('aria-label')")
    assert line.startswith("One year: 4.3")
    assert page.value(f"document.querySelector(\"{PLACE} svg\").classList.contains('up')")
    assert page.text("[data-spark='AAPL.US']") == "–"


def test_a_name_opens_the_prices_and_a_range_is_chosen(page: Page, served: Served) -> None:
    watch(page, served)
    page.value(f"document.querySelector(\"{PLACE}\").closest('tr').querySelector('button').click()")
    page.until("document.querySelector('#price-dialog').open")
    page.until("document.querySelector('#price-readout').textContent.includes('€11.50')")
    assert page.text("#price-title") == "Iberdrola (IBE.EU)"
    assert "being fetched" in page.text("#price-note")
    page.click("#price-dialog [data-range='5Y']")
    wanted = [PriceChart("IBE.EU", span, None, "auto") for span in ("1Y", "5Y")]
    page.until("document.querySelector('#price-note').textContent !== 'Loading…'")
    assert [ask for ask in served.charts if isinstance(ask, PriceChart)] == wanted
    page.click("#price-dialog button[value='cancel']")
    page.until("!document.querySelector('#price-dialog').open")
    assert page.problems == []


def test_a_chart_that_is_not_complete_is_looked_at_again(page: Page, served: Served) -> None:
    watch(page, served)
    page.value(f"document.querySelector(\"{PLACE}\").closest('tr').querySelector('button').click()")
    page.until("document.querySelector('#price-readout').textContent.includes('€11.50')")
    served.do(lambda: served.world.tell("JOB_COMPLETED"))
    page.until(
        "performance.getEntriesByName(location.origin + "
        "'/api/charts/securities/IBE.EU?range=1Y&meta=true').length === 2"
    )
