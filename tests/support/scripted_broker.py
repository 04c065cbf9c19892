"""A broker whose account, quotes and failures a test sets by hand; it does nothing itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal

import trio

from broker.port import RATE_DAYS, Accepted, Capabilities, FeeModel
from ledger.account import AccountSnapshot, CashBalance, Holding
from ledger.bar import Bar, BarRead, Fundamental, ShareDividend, Split
from ledger.cash_flow import FlowRow, FlowStatus
from ledger.errors import BrokerNotFound
from ledger.fact import CorporateAction, Fill, FlowCategory, is_pair
from ledger.money import Money, Price, Quantity, Rounding
from ledger.order import BrokerOrderState, OrderDraft, OrderView
from ledger.quote import Quote
from ledger.rate import Rate, RateTable
from ledger.security import FxPair, Instrument
from tests.support.builders import EURUSD, eur, quote, rates, security

FEES = FeeModel(eur("2"), 2_000, eur("0"))
NO_FEES = FeeModel(eur("0"), 0, eur("0"))


@dataclass(slots=True)
class ScriptedBroker:
    """`errors` are raised by the methods they name, `hung` ones never answer, and what is
    `left_out` of the list is found by its name alone.

    A placed order rests until `fill` or `end`; `lost` loses the answer of a submission that
    arrived. Quotes without an instant are stamped when they are read.
    """

    now: Callable[[], datetime]
    cash: dict[str, str] = field(default_factory=lambda: {"EUR": "10000", "USD": "1000"})
    held: dict[str, str] = field(default_factory=dict[str, str])
    listed: list[Instrument] = field(default_factory=lambda: [security().instrument])
    left_out: set[str] = field(default_factory=set[str])
    quoted: dict[str, Quote] = field(
        default_factory=lambda: {
            "DEMO-A.EU": quote(),
            "EUR/USD": quote("EUR/USD", "1.25", currency="USD"),
        }
    )
    stamped: bool = True
    table: RateTable = field(default_factory=rates)
    pairs: tuple[FxPair, ...] = (EURUSD,)
    complete: bool = True
    lost: bool = False
    errors: dict[str, Exception] = field(default_factory=dict[str, Exception])
    hung: set[str] = field(default_factory=set[str])
    calls: list[str] = field(default_factory=list[str])
    placed: list[OrderDraft] = field(default_factory=list[OrderDraft])
    cancelled: list[str] = field(default_factory=list[str])
    orders: dict[str, OrderView] = field(default_factory=dict[str, OrderView])
    fills: list[Fill] = field(default_factory=list[Fill])
    flows: list[FlowRow] = field(default_factory=list[FlowRow])
    actions: list[CorporateAction] = field(default_factory=list[CorporateAction])
    # The past of every listed symbol; bars are shown as they are, whatever the time.
    past: dict[str, list[Bar]] = field(default_factory=dict[str, list[Bar]])
    adjusted_to: date | None = None
    split: dict[str, list[Split]] = field(default_factory=dict[str, list[Split]])
    paying: dict[str, list[ShareDividend]] = field(default_factory=dict[str, list[ShareDividend]])
    reported: dict[str, list[Fundamental]] = field(default_factory=dict[str, list[Fundamental]])
    past_rates: list[Rate] = field(default_factory=list[Rate])
    deaf_to_since: bool = False  # when asked for rates
    # From which day on bars were asked for, call by call.
    since: list[date | None] = field(default_factory=list[date | None])
    # What failed for one symbol alone, by symbol.
    broken: dict[str, Exception] = field(default_factory=dict[str, Exception])

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities("scripted", "SCRIPTED-1", True, "echo", FEES, NO_FEES, self.pairs)

    async def _call(self, method: str) -> None:
        self.calls.append(method)
        await trio.lowlevel.checkpoint()
        if method in self.hung:
            await trio.sleep_forever()
        if method in self.errors:
            raise self.errors[method]

    async def probe(self) -> datetime:
        await self._call("probe")
        return self.now()

    async def snapshot(self) -> AccountSnapshot:
        await self._call("snapshot")
        balances = {code: Money.of(amount, code) for code, amount in self.cash.items()}
        return AccountSnapshot(
            as_of=self.now(),
            read_at_s=trio.current_time(),
            complete=self.complete,
            cash={code: CashBalance(money, money) for code, money in balances.items()},
            holdings={
                symbol: Holding(symbol, "XF0000000001", Quantity.of(units), None, "EUR")
                for symbol, units in self.held.items()
                if Decimal(units)
            },
        )

    async def instruments(self) -> Sequence[Instrument]:
        await self._call("instruments")
        return tuple(one for one in self.listed if one.symbol not in self.left_out)

    async def quotes(self, symbols: Sequence[str]) -> Mapping[str, Quote]:
        await self._call("quotes")
        at = self.now()
        known = {s: self.quoted[s] for s in symbols if s in self.quoted}
        return {s: replace(q, at=at) if self.stamped else q for s, q in known.items()}

    async def rates(self) -> RateTable:
        await self._call("rates")
        return self.table

    async def rates_since(self, since: date | None) -> Sequence[Rate]:
        await self._call("rates_since")
        asked = None if self.deaf_to_since else since
        found = [r for r in self.past_rates if asked is None or r.as_of >= asked]
        first = min((rate.as_of for rate in found), default=date.max)
        return tuple(r for r in found if (r.as_of - first).days < RATE_DAYS)

    async def find(self, text: str) -> Sequence[Instrument]:
        await self._call("find")
        sought = text.casefold()
        named = [(one, f"{one.symbol}\n{one.isin}\n{one.name}".casefold()) for one in self.listed]
        return tuple(one for one, names in named if sought and sought in names)

    async def bars(self, symbol: str, since: date | None) -> BarRead:
        self.since.append(since)
        await self._call_of("bars", symbol)
        bars = tuple(b for b in self.past.get(symbol, ()) if since is None or b.day >= since)
        currency = next(one.currency for one in self.listed if one.symbol == symbol)
        return BarRead(symbol, currency, "scripted", bars, self.adjusted_to)

    async def splits(self, symbol: str) -> Sequence[Split]:
        await self._call_of("splits", symbol)
        return tuple(self.split.get(symbol, ()))

    async def share_dividends(self, symbol: str) -> Sequence[ShareDividend]:
        await self._call_of("share_dividends", symbol)
        return tuple(self.paying.get(symbol, ()))

    async def fundamentals(self, symbol: str) -> Sequence[Fundamental]:
        await self._call_of("fundamentals", symbol)
        return tuple(self.reported.get(symbol, ()))

    async def _call_of(self, method: str, symbol: str) -> None:
        await self._call(method)
        if symbol in self.broken:
            raise self.broken[symbol]
        if all(one.symbol != symbol for one in self.listed):
            raise BrokerNotFound(f"{symbol} is not listed")

    async def fills_since(self, cursor: str | None) -> tuple[Sequence[Fill], str | None]:
        await self._call("fills_since")
        return tuple(self.fills), cursor

    async def cash_flows_since(self, cursor: str | None) -> tuple[Sequence[FlowRow], str | None]:
        await self._call("cash_flows_since")
        return tuple(self.flows), cursor

    async def corporate_actions_since(
        self, cursor: str | None
    ) -> tuple[Sequence[CorporateAction], str | None]:
        await self._call("corporate_actions_since")
        return tuple(self.actions), cursor

    async def open_orders(self) -> Sequence[OrderView]:
        await self._call("open_orders")
        return tuple(view for view in self.orders.values() if view.live)

    async def orders_since(self, since: datetime) -> Sequence[OrderView]:
        await self._call("orders_since")
        return tuple(view for view in self.orders.values() if view.created_at >= since)

    async def place(self, draft: OrderDraft) -> Accepted:
        self.placed.append(draft)
        if self.lost:
            self._take(draft)
        await self._call("place")
        return Accepted(self._take(draft))

    async def cancel(self, broker_order_id: str) -> None:
        await self._call("cancel")
        self.cancelled.append(broker_order_id)

    async def close(self) -> None:
        await self._call("close")

    # What the test makes happen at the broker

    def place_foreign(self, draft: OrderDraft, number: str = "X1") -> None:
        """An order that somebody else placed rests under `number`; its client id is not sent."""
        self._rest(draft, number, None)

    def _take(self, draft: OrderDraft) -> str:
        number = f"B{len(self.placed)}"
        self._rest(draft, number, draft.client_order_id)
        return number

    def _rest(self, draft: OrderDraft, number: str, client_order_id: int | None) -> None:
        self.orders[number] = OrderView(
            broker_order_id=number,
            client_order_id=client_order_id,
            symbol=draft.symbol,
            side=draft.side,
            quantity=draft.quantity,
            filled=Quantity(0),
            limit=draft.limit,
            state="active",
            reason=None,
            created_at=self.now(),
        )

    def end(self, number: str, state: BrokerOrderState) -> None:
        self.orders[number] = replace(self.orders[number], state=state)

    def fill(self, number: str, units: str | None = None) -> None:
        """Execute `units` of an order (all of it without) at its limit, free of fees."""
        view = self.orders[number]
        part = view.quantity - view.filled if units is None else Quantity.of(units)
        assert view.limit is not None
        done = view.filled + part
        self.orders[number] = replace(
            view,
            filled=done,
            state="filled" if done == view.quantity else "partially_filled",
        )
        gross = view.limit.times(part, Rounding.CEIL)
        fill = Fill(
            fill_id=f"F{len(self.fills) + 1}",
            broker_order_id=number,
            client_order_id=view.client_order_id,
            symbol=view.symbol,
            side=view.side,
            quantity=part,
            price=view.limit,
            gross=gross,
            fees=(),
            executed_at=self.now(),
        )
        self.fills.append(fill)
        self._book(view, part, gross)

    def _book(self, view: OrderView, part: Quantity, gross: Money) -> None:
        sign = 1 if view.side == "BUY" else -1
        self._add(self.cash, gross.currency, -sign * gross.amount)
        if is_pair(view.symbol):
            self._add(self.cash, view.symbol.split("/")[0], sign * part.units)
        else:
            self._add(self.held, view.symbol, sign * part.units)

    @staticmethod
    def _add(balances: dict[str, str], key: str, change: Decimal) -> None:
        balances[key] = str(Decimal(balances.get(key, "0")) + change)

    def price(self, symbol: str, last: str, currency: str = "EUR") -> None:
        self.quoted[symbol] = quote(symbol, last, currency=currency)

    def deposit(self, amount: str, currency: str = "EUR") -> str:
        return self.flow("deposit", amount, currency)

    def flow(
        self,
        category: FlowCategory,
        amount: str,
        currency: str = "EUR",
        *,
        status: FlowStatus = "completed",
    ) -> str:
        """A flow of the account in this status; its money moves once it is completed."""
        name = f"C{len(self.flows) + 1}"
        money = Money.of(amount, currency)
        row = FlowRow(name, category, category, "pending", money, self.now(), description=category)
        self.flows.append(row)
        self.becomes(name, status)
        return name

    def becomes(self, transaction_id: str, status: FlowStatus) -> None:
        """The broker shows another status of a flow from now on, and pays or takes it back."""
        for number, row in enumerate(self.flows):
            if row.transaction_id == transaction_id:
                after = replace(row, status=status)
                change = after.completed - row.completed
                self.flows[number] = after
                self._add(self.cash, row.money.currency, change * row.money.amount)

    def dividend(self, symbol: str, amount: str, currency: str = "EUR") -> None:
        """A paid dividend: the action and the money that carries its name."""
        name = f"D{len(self.actions) + 1}"
        money, now = Money.of(amount, currency), self.now()
        action = CorporateAction(
            action_id=name,
            kind="dividend",
            symbol=symbol,
            ex_date=now.date(),
            pay_date=now.date(),
            effective_at=now,
            per_share=Price.of("1", currency),
            held=Quantity.of(1),
            gross=money,
            tax=Money.zero(currency),
            net=money,
        )
        self.actions.append(action)
        paid = FlowRow(
            f"C-{name}", "dividend", "dividend", "completed", money, now, symbol, name, "dividend"
        )
        self.flows.append(paid)
        self._add(self.cash, currency, Decimal(amount))
