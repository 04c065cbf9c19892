"""Every fault is what it says: what the caller sees, and what really happened behind it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from broker.paper.faults import Blow, Chance, Fault, FaultPlan, FaultyBroker
from ledger.errors import MalformedAnswer, OutcomeUnknown, RejectedByBroker, Unavailable
from ledger.order import OrderDraft
from tests.broker.paper_rig import START, US, Rig, booked, opening, run, shown

READS = (
    "probe",
    "snapshot",
    "instruments",
    "quotes",
    "rates",
    "fills_since",
    "cash_flows_since",
    "corporate_actions_since",
    "open_orders",
    "orders_since",
)


class Line:
    """A rig behind a disturbed line; `waited` collects what the line asked to sleep."""

    def __init__(self, plan: FaultPlan) -> None:
        self.rig = Rig()
        self.plan = plan
        self.waited: list[float] = []
        self.broker = FaultyBroker(self.rig.broker, plan, self._sleep)

    async def _sleep(self, seconds: float) -> None:
        self.waited.append(seconds)

    def draft(self, limit: str = "101") -> OrderDraft:
        return self.rig.draft("BUY", US, 1, limit)

    def read(self, method: str) -> object:
        match method:
            case "quotes":
                return run(self.broker.quotes([US]))
            case "fills_since":
                return run(self.broker.fills_since(None))
            case "cash_flows_since":
                return run(self.broker.cash_flows_since(None))
            case "corporate_actions_since":
                return run(self.broker.corporate_actions_since(None))
            case "orders_since":
                return run(self.broker.orders_since(START))
            case _:
                return run(getattr(self.broker, method)())


def scripted(method: str, *calls: Sequence[Blow]) -> Line:
    return Line(FaultPlan(script={method: calls}))


def blow(fault: Fault, seconds: float = 0.0) -> tuple[Blow, ...]:
    return (Blow(fault, seconds),)


@pytest.mark.parametrize("method", READS)
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.MALFORMED, MalformedAnswer),
        (Fault.UNAVAILABLE, Unavailable),
        (Fault.LOST_BEFORE, Unavailable),
    ],
)
def test_a_failed_read_is_an_error_and_the_next_one_is_well(
    method: str, fault: Fault, error: type[Exception]
) -> None:
    line = scripted(method, blow(fault))
    with pytest.raises(error):
        line.read(method)
    assert line.read(method) is not None


def test_latency_waits_before_the_answer() -> None:
    line = scripted("snapshot", blow(Fault.LATENCY, 3.5))
    assert run(line.broker.snapshot()).complete
    assert line.waited == [3.5]


def test_an_order_that_never_arrived_is_not_there() -> None:
    line = scripted("place", blow(Fault.LOST_BEFORE))
    with pytest.raises(OutcomeUnknown):
        run(line.broker.place(line.draft()))
    assert run(line.broker.orders_since(START)) == ()


@pytest.mark.parametrize("fault", [Fault.LOST_AFTER, Fault.MALFORMED])
def test_o3_an_order_whose_answer_was_lost_is_there(fault: Fault) -> None:
    line = scripted("place", blow(fault))
    draft = line.draft("98")
    with pytest.raises(OutcomeUnknown):
        run(line.broker.place(draft))
    (view,) = run(line.broker.open_orders())
    assert view.client_order_id == draft.client_order_id
    with pytest.raises(RejectedByBroker):
        run(line.broker.place(draft))


def test_a_refusal_can_get_lost_like_an_acceptance() -> None:
    line = scripted("place", blow(Fault.LOST_AFTER))
    with pytest.raises(OutcomeUnknown):
        run(line.broker.place(line.rig.draft("BUY", US, 10_000, "101")))
    assert run(line.broker.orders_since(START)) == ()


def test_an_unavailable_line_places_nothing() -> None:
    line = scripted("place", blow(Fault.UNAVAILABLE))
    with pytest.raises(Unavailable):
        run(line.broker.place(line.draft()))
    assert run(line.broker.orders_since(START)) == ()


def test_a_cancellation_may_work_although_its_answer_was_lost() -> None:
    line = scripted("cancel", blow(Fault.LOST_AFTER), blow(Fault.LOST_BEFORE))
    order = run(line.broker.place(line.draft("98"))).broker_order_id
    with pytest.raises(OutcomeUnknown):
        run(line.broker.cancel(order))
    line.rig.wait(seconds=1)
    assert line.rig.order(order).state == "cancelled"
    with pytest.raises(OutcomeUnknown):
        run(line.broker.cancel(order))


def test_an_incomplete_snapshot_says_so() -> None:
    line = scripted("snapshot", blow(Fault.EMPTY))
    snapshot = run(line.broker.snapshot())
    assert (snapshot.complete, dict(snapshot.cash), dict(snapshot.holdings)) == (False, {}, {})
    assert run(line.broker.snapshot()).complete


def test_a_snapshot_without_one_row_says_so() -> None:
    line = scripted("snapshot", (), blow(Fault.PARTIAL))
    whole, part = run(line.broker.snapshot()), run(line.broker.snapshot())
    assert (whole.complete, part.complete) == (True, False)
    rows = {**whole.cash, **whole.holdings}
    assert len({**part.cash, **part.holdings}) == len(rows) - 1


def test_an_empty_list_does_not_move_its_cursor() -> None:
    line = scripted("fills_since", (), blow(Fault.EMPTY))
    _, cursor = run(line.broker.fills_since(None))
    run(line.broker.place(line.draft()))
    line.rig.wait(seconds=10)
    assert run(line.broker.fills_since(cursor)) == ((), cursor)
    assert len(run(line.broker.fills_since(cursor))[0]) == 1


def test_a_hidden_order_appears_in_time() -> None:
    line = scripted("place", blow(Fault.HIDDEN_ORDER, 30))
    run(line.broker.place(line.draft("98")))
    assert run(line.broker.open_orders()) == ()
    line.rig.wait(seconds=29)
    assert run(line.broker.orders_since(START)) == ()
    line.rig.wait(seconds=1)
    assert len(run(line.broker.orders_since(START))) == len(run(line.broker.open_orders())) == 1


def test_an_order_can_be_lost_and_hidden_at_once() -> None:
    line = scripted("place", (Blow(Fault.HIDDEN_ORDER, 30), Blow(Fault.LOST_AFTER)))
    with pytest.raises(OutcomeUnknown):
        run(line.broker.place(line.draft("98")))
    assert run(line.broker.open_orders()) == ()
    line.rig.wait(seconds=30)
    assert len(run(line.broker.open_orders())) == 1


def test_late_fills_come_once_their_time_has_come_whatever_the_cursor() -> None:
    late = blow(Fault.LATE_FILLS, 4 * 86_400)
    line = scripted("fills_since", late, late)
    run(line.broker.place(line.draft()))
    line.rig.wait(seconds=10)
    rows, cursor = run(line.broker.fills_since(None))
    assert rows == ()
    line.rig.wait(days=3)
    rows, cursor = run(line.broker.fills_since(cursor))
    assert rows == ()
    line.rig.wait(days=3)
    rows, _ = run(line.broker.fills_since(cursor))
    assert len(rows) == 1


def test_k1_repeated_and_shuffled_rows_are_the_same_facts() -> None:
    chances = (Chance(Blow(Fault.DUPLICATE), 0.5), Chance(Blow(Fault.REORDER), 0.5))
    line = Line(FaultPlan(seed=3, chances=dict.fromkeys(READS, chances)))
    for _ in range(10):
        run(line.broker.place(line.draft()))
        line.rig.wait(seconds=10)
        before = opening(line.rig.market)
        assert run(booked(line.broker, before)) == run(shown(line.rig.broker))
    assert line.plan.struck[Fault.DUPLICATE] > 3


def test_the_same_seed_strikes_the_same_calls() -> None:
    chances = {"snapshot": (Chance(Blow(Fault.UNAVAILABLE), 0.3),)}
    plans = [FaultPlan(seed=5, chances=chances) for _ in range(2)]
    struck = [[bool(plan.next("snapshot")) for _ in range(50)] for plan in plans]
    assert struck[0] == struck[1]
    assert 5 < sum(struck[0]) < 30


def test_the_script_goes_before_chance() -> None:
    plan = FaultPlan(
        script={"probe": [(), blow(Fault.LATENCY, 1)]},
        chances={"probe": (Chance(Blow(Fault.UNAVAILABLE), 1.0),)},
    )
    assert plan.next("probe") == ()
    assert plan.next("probe") == blow(Fault.LATENCY, 1)
    assert plan.next("probe") == blow(Fault.UNAVAILABLE)


def test_the_line_passes_on_what_it_does_not_disturb() -> None:
    line = Line(FaultPlan())
    assert line.broker.capabilities == line.rig.broker.capabilities
    assert run(line.broker.probe()) == line.rig.now
    assert run(line.broker.rates()) == run(line.rig.broker.rates())
    run(line.broker.close())
