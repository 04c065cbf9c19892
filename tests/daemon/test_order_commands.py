"""What the socket's commands ask of the actors, and which arguments they refuse by name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any, cast

import pytest
import trio

from daemon.control_errors import BadArgument
from daemon.order_commands import OrderCommands
from daemon.setting_commands import SettingCommands
from daemon.system import System
from ledger.decision import Choice, Decision
from ledger.errors import Missing, Unanswered
from ledger.money import Quantity
from ledger.order import OrderState
from policy.gates import FORCEABLE as FORCED_BY_CLASS
from store.order_views import OrderQuery
from tests.web.world import NOW, World, full_world, intent
from wire.mailbox import AskBox, serving
from wire.order_asks import FORCEABLE, CancelOrder, PlaceOrder, Resolve
from wire.setting_asks import ListSettings, PutSetting, SettingView

ORDER = {"side": "BUY", "symbol": "aaa.eu", "quantity": "1.5", "key": "k"}
VIEW = SettingView("max_trades_per_day", "6", "int", "", "4", "1", "50", "on one day")


def commands(world: World) -> OrderCommands:
    """Over the boards and boxes of the web's small world, which have the same shape."""
    return OrderCommands(cast(System, world), cast(Any, world.views))


async def asked_of(
    box: AskBox, command: Callable[[], Awaitable[Any]], answer: object
) -> tuple[Any, list[Any]]:
    """What `command` returns, and what it asked of `box`, whose actor gives `answer`."""
    asked: list[Any] = []

    async def actor() -> None:
        ask = await box.receive()
        asked.append(ask.request)
        async with serving(ask):
            if isinstance(answer, Exception):
                raise answer
            ask.slot.answer(answer)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(actor)
        result = await command()
        nursery.cancel_scope.cancel()
    return result, asked


async def test_an_order_is_handed_over_exactly_as_it_was_given() -> None:
    world = full_world()
    given = {**ORDER, "limit": "10.05", "force": ["L2"]}
    result, asked = await asked_of(
        world.asks.trader,
        lambda: commands(world).place(given),
        intent(5, "AAA.EU", "BUY", OrderState.ACTIVE),
    )
    assert asked == [
        PlaceOrder("AAA.EU", "BUY", Quantity.of("1.5"), Decimal("10.05"), frozenset({"L2"}), "k",
                   "socket")
    ]  # fmt: skip
    assert (result["state"], result["key"]) == ("active", "k")


async def test_an_order_without_an_answer_is_pending_not_failed() -> None:
    world = full_world()
    result, _ = await asked_of(
        world.asks.trader, lambda: commands(world).place(ORDER), Unanswered("no answer")
    )
    assert (result["state"], result["key"]) == ("pending", "k")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"side": "HOLD"}, "side"),
        ({"side": None}, "side"),
        ({"quantity": None}, "quantity"),
        ({"quantity": "0"}, "quantity"),
        ({"quantity": "1000001"}, "quantity"),
        ({"quantity": "0.0000001"}, "quantity"),
        ({"quantity": "NaN"}, "quantity"),
        ({"quantity": "1e-999999"}, "quantity"),
        ({"quantity": 5}, "quantity"),
        ({"limit": "-1"}, "limit"),
        ({"force": ["L6"]}, "force"),
        ({"force": "L2"}, "force"),
        ({"key": ""}, "key"),
        ({"symbol": None}, "symbol"),
    ],
)
async def test_a_wrong_argument_of_an_order_is_named(change: dict[str, Any], field: str) -> None:
    with pytest.raises(BadArgument) as caught:
        await commands(full_world()).place({**ORDER, **change})
    assert caught.value.field == field


async def test_a_withdrawal_goes_by_the_client_order_id() -> None:
    world = full_world()
    row = intent(3, "IBE.EU", "BUY", OrderState.ACTIVE)
    result, asked = await asked_of(
        world.asks.trader, lambda: commands(world).cancel({"client_order_id": 680}), row
    )
    assert asked == [CancelOrder(680, "socket")]
    assert result["intent_id"] == 3
    with pytest.raises(BadArgument):
        await commands(world).cancel({"client_order_id": 1.5})


async def test_filters_reach_the_read_model() -> None:
    world = full_world()
    given = {"state": "refused", "symbol": "xs1", "order_class": "manual", "before_id": 9}
    rows = await commands(world).orders(given)
    assert len(rows) == 3
    assert world.views.asked == [OrderQuery(20, OrderState.REFUSED, "XS1", "manual", None, 9)]
    with pytest.raises(BadArgument):
        await commands(world).orders({"state": "lost"})


@pytest.mark.parametrize(
    ("decision_id", "owner"),
    [
        ("order:7", "trader"),
        ("books:1", "sync"),
        ("sale:R1", "rebalancer"),
        ("reinvest:4", "drip"),
    ],
)
async def test_a_decision_is_asked_of_whoever_owns_it(decision_id: str, owner: str) -> None:
    world = full_world()
    given = {"id": decision_id, "choice": "placed", "confirm": True}
    result, asked = await asked_of(
        getattr(world.asks, owner), lambda: commands(world).decide(given), "done"
    )
    assert asked == [Resolve(decision_id, "placed", confirm=True, by="socket")]
    assert result == {"id": decision_id, "choice": "placed", "result": "done"}


async def test_a_decision_of_no_known_kind_is_not_open() -> None:
    with pytest.raises(Missing):
        await commands(full_world()).decide({"id": "moon:1", "choice": "x"})


async def test_open_questions_are_told_with_their_choices() -> None:
    world = full_world()
    choice = Choice("placed", "it is followed")
    world.views.questions = (Decision("order:7", "order", "Placed?", "why", (choice,), NOW),)
    (row,) = await commands(world).decisions({})
    assert row["choices"] == [{"choice": "placed", "effect": "it is followed"}]


async def test_settings_are_asked_of_schedule() -> None:
    world = full_world()
    settings = SettingCommands(world.asks.schedule)
    rows, asked = await asked_of(world.asks.schedule, lambda: settings.settings({}), (VIEW,))
    assert asked == [ListSettings()]
    assert rows[0]["value"] == "6"
    given = {"key": "max_trades_per_day", "value": "6"}
    _, asked = await asked_of(world.asks.schedule, lambda: settings.put(given), VIEW)
    assert asked == [PutSetting("max_trades_per_day", "6", "socket")]
    with pytest.raises(BadArgument):
        await settings.put({"key": "max_trades_per_day"})


def test_what_may_be_forced_is_what_the_gates_let_be_forced() -> None:
    assert frozenset(FORCEABLE) == FORCED_BY_CLASS["manual"]
