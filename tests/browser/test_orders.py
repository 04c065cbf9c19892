"""Orders and decisions on the dashboard: told in full, changed only behind a confirmation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ledger.decision import Choice, Decision
from ledger.order import OrderState, Verdict
from store.order_queries import OrderEvent
from store.order_views import OrderStory
from tests.browser.chrome import Page, chromium
from tests.browser.server import Served, serving_world
from tests.browser.test_dashboard import log_in, watch
from tests.web.world import NOW, intent
from wire.order_asks import CancelOrder, Resolve

pytestmark = pytest.mark.browser
TAG = 68_000_000_003
CHOICES = (
    Choice("placed", "it is at the broker: it is followed"),
    Choice("not_placed", "it never arrived"),
)
QUESTION = Decision("order:7", "order", "Did BUY 5 IBE.EU reach the broker?", "tag 7", CHOICES, NOW)


@pytest.fixture
def served() -> Iterator[Served]:
    with serving_world() as server:
        yield server


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    with chromium(tmp_path / "profile") as tab:
        yield tab


def story(state: OrderState) -> OrderStory:
    verdicts = (
        Verdict("L1", passed=True, detail="the market is open"),
        Verdict("L2", passed=False, detail="bought 3 days ago", forced=True),
    )
    events = (OrderEvent(NOW, OrderState.PROPOSED, OrderState.SUBMITTING, "sent", verdicts),)
    return OrderStory(intent(3, "IBE.EU", "BUY", state), events, ())


def tell(served: Served, state: OrderState) -> None:
    served.world.views.stories = (story(state),)


def ask(served: Served) -> None:
    served.world.views.questions = (QUESTION,)


def open_order(page: Page) -> None:
    page.until("document.querySelectorAll('#orders tbody tr').length === 3")
    page.click("#orders tbody tr button")
    page.until("document.querySelector('#order-dialog').open")
    page.until("document.querySelectorAll('#order-gates tr').length === 2")


def test_an_order_is_told_with_its_gates_and_withdrawn_from_its_dialog(
    page: Page, served: Served
) -> None:
    served.do(lambda: tell(served, OrderState.ACTIVE))
    log_in(page, served)
    open_order(page)
    assert "overruled" in page.text("#order-gates")
    assert "bought 3 days ago" in page.text("#order-gates")
    assert "sent" in page.text("#order-events")
    assert served.asked == []
    page.click("#order-dialog [data-act]")
    page.until("!document.querySelector('#order-dialog').open")
    assert served.asked == [CancelOrder(TAG, "http:dashboard@127.0.0.1")]
    assert page.problems == []


def test_an_order_that_ended_cannot_be_withdrawn(page: Page, served: Served) -> None:
    served.do(lambda: tell(served, OrderState.FILLED))
    log_in(page, served)
    open_order(page)
    assert page.value("document.querySelector('#order-dialog [data-act]').disabled")


def test_deciding_takes_two_steps(page: Page, served: Served) -> None:
    log_in(page, served)
    assert page.value("document.querySelector('#decisions').hidden")
    served.do(lambda: ask(served))
    served.do(lambda: served.world.tell("ORDER_CHANGED"))
    page.until("!document.querySelector('#decisions').hidden")
    assert "Did BUY 5 IBE.EU reach the broker?" in page.text("#decisions")
    page.click("#decisions .answers button")
    page.until("document.querySelector('#decide-dialog').open")
    assert "it is followed" in page.text("#decide-effect")
    page.click("#decide-dialog button[value='cancel']")
    page.until("!document.querySelector('#decide-dialog').open")
    assert served.asked == []
    page.click("#decisions .answers button")
    page.click("#decide-dialog [data-act]")
    page.until("document.querySelector('#decisions').hidden")
    by = "http:dashboard@127.0.0.1"
    assert served.asked == [Resolve("order:7", "placed", confirm=True, by=by)]
    assert page.problems == []


@pytest.mark.parametrize("width", [320, 1366])
def test_without_a_session_questions_and_orders_only_show(
    page: Page, served: Served, width: int
) -> None:
    page.size(width, 800, phone=width < 700)
    served.do(lambda: tell(served, OrderState.ACTIVE))
    served.do(lambda: ask(served))
    watch(page, served)
    page.until("!document.querySelector('#decisions').hidden")
    assert page.value(
        "[...document.querySelectorAll('#decisions button')].every((button) => button.disabled)"
    )
    open_order(page)
    assert page.value("document.querySelector('#order-dialog [data-act]').disabled")
    assert page.value("document.documentElement.scrollWidth") <= width
    wide = "document.querySelector('#order-dialog').scrollWidth"
    assert page.value(wide) <= page.value("document.querySelector('#order-dialog').clientWidth")


def test_a_trade_of_no_order_of_ours_is_marked_as_foreign(served: Served, page: Page) -> None:
    rows = served.world.views.trade_rows
    served.world.views.trade_rows = (replace(rows[0], foreign=True), *rows[1:])
    watch(page, served)
    page.until("document.querySelectorAll('#trades tbody tr').length === 3")
    marks = "[...document.querySelectorAll('#trades tbody .chip')].map(x => x.textContent)"
    assert page.value(marks) == ["foreign"]
