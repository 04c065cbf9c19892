"""Every scenario: an account, what happens to it, and what must come of it.

Built by `build_scenarios`, played by `play_scenario`. The account holds nearly equal parts of the
shares of `scenario_market`, and little cash, so that only the event itself makes the daemon act.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from tools.scenario_market import SHARES

EURO_ZONE = tuple(symbol for symbol, share in SHARES.items() if share.currency == "EUR")
DEEP = 1_000_000
THIN = 150


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """The end: states in which the repairs end, in order, and what the books then show.

    `sales` is how many orders that sell shares have executed, at least and at most; `pairs` are
    the conversions made. `asleep_until`: no order may be sent before. `partial`: a sale must have
    executed in part only. `mode` and `decide` are what the player does in the owner's place.
    """

    runs: tuple[str, ...]
    covered: tuple[str, ...]
    sales: tuple[int, int] = (0, 0)
    pairs: tuple[str, ...] = ()
    recommended: int = 0
    asleep_until: str = ""
    partial: bool = False
    outage: bool = False
    mode: str = ""
    decide: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """`story` is what is going on, `watch` what the owner sees, both sentences for the README.

    `rate` is market seconds per second, `start` the first market instant. `gap` are days without a
    published rate, by currency.
    """

    name: str
    story: str
    watch: tuple[str, ...]
    start: str
    rate: int
    expected: Expected
    last: date = date(2025, 2, 14)
    shares: tuple[str, ...] = tuple(SHARES)
    each_eur: Decimal = Decimal(2000)
    favourite: str = ""
    cash: Mapping[str, str] = field(default_factory=dict[str, str])
    flows: tuple[tuple[str, str, str], ...] = ()
    volumes: Mapping[str, int] = field(default_factory=dict[str, int])
    gap: Mapping[str, tuple[date, date]] = field(default_factory=dict[str, tuple[date, date]])
    outages: tuple[tuple[str, str], ...] = ()


SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        name="one-source",
        story="The dollars are 100 below zero and the euros can pay for all of it.",
        watch=(
            "a repair begins as soon as the account has been read",
            "one conversion on the pair EUR/USD brings what is missing and the reserve",
            "no share is sold",
        ),
        start="2025-02-04T09:05:00Z",
        rate=120,
        cash={"EUR": "350.00", "USD": "-100.00", "GBP": "30.00"},
        expected=Expected(runs=("resolved",), covered=("EUR", "USD"), pairs=("EUR/USD",)),
    ),
    Scenario(
        name="three-sources",
        story="The euros are 300 below zero; three other currencies together can pay.",
        watch=(
            "the currency with most to spare gives first",
            "after each conversion the rest is computed anew from the account",
            "every source keeps its own reserve, and no share is sold",
        ),
        start="2025-02-04T09:05:00Z",
        rate=120,
        cash={"EUR": "-300.00", "USD": "160.00", "GBP": "100.00", "HKD": "900.00"},
        expected=Expected(
            runs=("resolved",),
            covered=("EUR", "USD", "GBP", "HKD"),
            pairs=("EUR/GBP", "EUR/USD", "HKD/EUR"),
        ),
    ),
    Scenario(
        name="sale",
        story="The euros are 600 below zero and no other currency has anything to spare.",
        watch=(
            "the deficit is looked at twice before anything is sold",
            "only New York is in the calm hours of its session: the dollar share is sold",
            "what the sale brought is exchanged into euros",
        ),
        start="2025-02-04T15:05:00Z",
        rate=120,
        favourite="LAMPS.US",
        cash={"EUR": "-600.00", "USD": "5.70", "GBP": "4.50"},
        expected=Expected(
            runs=("resolved",), covered=("EUR", "USD"), sales=(1, 2), pairs=("EUR/USD",)
        ),
    ),
    Scenario(
        name="market-closed",
        story="The euros fall below zero on a Friday evening, when no exchange is open any more.",
        watch=(
            "the repair waits for the market and says until when",
            "the weekend is jumped over",
            "on Monday, in the calm hours of the session, one share is sold",
        ),
        start="2025-02-07T17:00:00Z",
        rate=300,
        shares=EURO_ZONE,
        favourite="BAKER.DE",
        cash={"EUR": "-500.00"},
        expected=Expected(
            runs=("resolved",),
            covered=("EUR",),
            sales=(1, 1),
            asleep_until="2025-02-10T09:00:00Z",
        ),
    ),
    Scenario(
        name="partial-fill",
        story="The share that is sold first is hardly traded: its order executes in part only.",
        watch=(
            "the sale fills slice by slice and stays open",
            "what is missing after it is sold elsewhere or on the next day",
            "nothing is sold twice for the same deficit",
        ),
        start="2025-02-04T09:05:00Z",
        rate=900,
        shares=EURO_ZONE,
        favourite="BAKER.DE",
        cash={"EUR": "-1200.00"},
        volumes={"BAKER.DE": THIN},
        expected=Expected(runs=("resolved",), covered=("EUR",), sales=(2, 4), partial=True),
    ),
    Scenario(
        name="rate-missing",
        story="The pounds are 100 below zero, and no rate of the pound was published for days.",
        watch=(
            "the repair waits: without a rate that is fit for trading there is no order",
            "at 15:00 UTC the rate is published again",
            "the euros pay for the pounds",
        ),
        start="2025-02-04T14:30:00Z",
        rate=60,
        shares=EURO_ZONE,
        cash={"EUR": "350.00", "GBP": "-100.00"},
        gap={"GBP": (date(2025, 1, 31), date(2025, 2, 3))},
        expected=Expected(
            runs=("resolved",),
            covered=("EUR", "GBP"),
            pairs=("EUR/GBP",),
            asleep_until="2025-02-04T15:00:00Z",
        ),
    ),
    Scenario(
        name="broker-down",
        story="In the middle of a repair by sale the broker stops answering for an hour.",
        watch=(
            "the display reports the broken line, the figures are marked as old",
            "the order that is under way executes behind the silence, and no other is sent",
            "afterwards the repair goes on where it was: nothing is lost, nothing done twice",
        ),
        start="2025-02-04T09:05:00Z",
        rate=120,
        shares=EURO_ZONE,
        favourite="BAKER.DE",
        cash={"EUR": "-500.00"},
        volumes={"BAKER.DE": THIN},
        outages=(("2025-02-04T09:36:00Z", "2025-02-04T10:36:00Z"),),
        expected=Expected(runs=("resolved",), covered=("EUR",), sales=(1, 2), outage=True),
    ),
    Scenario(
        name="research",
        story="In research mode a withdrawal takes the euros 500 below zero.",
        watch=(
            "the player sets the mode before the money leaves",
            "the repair recommends what it would sell",
            "nothing is ordered: the euros stay below zero",
        ),
        start="2025-02-03T16:00:00Z",
        rate=300,
        shares=EURO_ZONE,
        favourite="BAKER.DE",
        cash={"EUR": "300.00"},
        flows=(("2025-02-04", "EUR", "-800.00"),),
        expected=Expected(runs=(), covered=(), recommended=1, mode="research"),
    ),
    Scenario(
        name="comes-back",
        story="Two withdrawals on two days: the deficit is repaired and comes back.",
        watch=(
            "the first repair sells a share and ends",
            "the next day begins a new repair with a new name",
            "the second sells again, and only for the second deficit",
        ),
        start="2025-02-04T08:55:00Z",
        rate=900,
        shares=EURO_ZONE,
        favourite="BAKER.DE",
        cash={"EUR": "100.00"},
        flows=(("2025-02-04", "EUR", "-600.00"), ("2025-02-05", "EUR", "-600.00")),
        expected=Expected(runs=("resolved", "resolved"), covered=("EUR",), sales=(2, 2)),
    ),
    Scenario(
        name="owner-decides",
        story="The euros are 4,500 below zero: to sell more than a fifth takes the owner's word.",
        watch=(
            "the repair sells up to a fifth of the portfolio, then it waits for the owner",
            "the question is open on the dashboard; the player confirms it",
            "the rest is sold and the euros are above zero again",
        ),
        start="2025-02-04T09:05:00Z",
        rate=120,
        shares=EURO_ZONE,
        favourite="BAKER.DE",
        cash={"EUR": "-4500.00"},
        expected=Expected(runs=("resolved",), covered=("EUR",), sales=(3, 8), decide="confirm"),
    ),
)
