"""The rebalancer's answers about drift, idle cash and shortfalls, and the start of a rebalancing.

Nothing here places an order. A rebalancing is the job `rebalance`: the rebalancer repairs negative
cash first and calls `follow_up` when there is nothing to repair; a trigger then starts a new plan.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from actors.situation import Situation
from ledger.currency import BASE
from ledger.errors import Conflict, Refused, TrimtabError, Unavailable
from ledger.money import Money
from ledger.plan import PlanStep
from ledger.portfolio import PortfolioSnapshot
from ledger.rebalancing import CashShortfalls, Triggers
from ledger.run import RunRecord
from policy.emergency import Severity, detect
from policy.fees import min_trade_eur
from policy.rebalance import Thresholds, affordable, spendable, triggers
from policy.valuation import unfit
from wire.mailbox import AskBox, NudgeBox
from wire.messages import Boards, Nudge, RunJob
from wire.rebalancing import CalculateTrades, CheckNegative, CheckTriggers, ExecuteRebalance

ASK_DEADLINE_S = 5.0


@dataclass(frozen=True, slots=True)
class RebalanceDeskPorts:
    situation: Situation
    boards: Boards
    schedule: AskBox
    plan: NudgeBox[Nudge]


@dataclass(frozen=True, slots=True)
class _Asked:
    """A rebalancing that somebody asked for; `cash` None counts all of it as idle."""

    cash: Money | None


class RebalanceDesk:
    """See the module's docstring."""

    def __init__(self, ports: RebalanceDeskPorts) -> None:
        self._p = ports
        self._s = ports.situation
        self._asked: _Asked | None = None
        self._followed: tuple[int, date] | None = None

    async def answer(self, request: object) -> object:
        match request:
            case CheckTriggers():
                return await self._check(request)
            case CalculateTrades(available_cash):
                return self._calculate(available_cash)
            case CheckNegative():
                return await self._shortfalls()
            case ExecuteRebalance():
                return await self._execute(request)
            case other:
                raise AssertionError(f"the rebalancer does not answer {other!r}")

    async def follow_up(self) -> str:
        """Start a new plan when a trigger fires; returns what was found, in words.

        A plan with steps to do goes on undisturbed, and the same books start one plan a day however
        often they are looked at; a rebalancing that was asked for always does.
        """
        asked, self._asked = self._asked, None
        try:
            portfolio = self._portfolio()
            cash = asked.cash if asked else None
            found = await self._triggers(
                portfolio, self._thresholds(portfolio, asked=bool(asked)), cash
            )
        except Unavailable as error:
            return str(error)
        reasons = "; ".join(found.reasons)
        if not found.triggered:
            return reasons or "no position is far from its target, no cash lies idle"
        key = portfolio.ledger_seq, self._s.clock.market_now().date()
        plan = self._p.boards.plan.value
        if asked is None and plan is not None and plan.next_step is not None:
            return f"the current plan goes on: {reasons}"
        if asked is None and key == self._followed:
            return f"planned for already: {reasons}"
        self._followed = key
        self._p.plan.nudge(Nudge(f"rebalancing: {reasons}"))
        return f"a new plan is made: {reasons}"

    # What the asks are answered with

    async def _check(self, asked: CheckTriggers) -> Triggers:
        portfolio = self._portfolio()
        usual = self._thresholds(portfolio, asked=False, min_trade=asked.min_trade_eur)
        multiplier = asked.cash_multiplier
        wanted = Thresholds(
            enabled=usual.enabled if asked.enabled is None else asked.enabled,
            drift=usual.drift if asked.drift is None else asked.drift,
            cash_multiplier=usual.cash_multiplier if multiplier is None else multiplier,
            min_trade=usual.min_trade,
        )
        return await self._triggers(portfolio, wanted, None)

    def _calculate(self, available_cash: Money | None) -> tuple[PlanStep, ...]:
        portfolio, limits = self._portfolio(), self._s.limits
        return affordable(
            self._p.boards.plan.value,
            cash=_cash(portfolio, available_cash),
            reserve=limits.min_cash_reserve,
            min_trade=self._min_trade(portfolio),
            most=limits.max_trades_per_cycle,
        )

    async def _shortfalls(self) -> CashShortfalls:
        portfolio = self._portfolio()
        obstacle = unfit(portfolio)
        if obstacle is not None:
            raise Unavailable(obstacle)
        promised = await self._s.orders.reserved_cash()
        deficits = detect(
            portfolio,
            self._s.trade_rates(portfolio),
            self._s.limits,
            reserved=[Money(minor, currency) for currency, minor in promised.items()],
        )
        known = [d.need_eur for d in deficits if d.need_eur is not None]
        total = sum(money.minor for money in known)
        return CashShortfalls(
            has_negative=any(d.severity is Severity.NEGATIVE for d in deficits),
            below_minimum=any(d.balance < d.reserve for d in deficits),
            shortfalls={d.currency: d.need for d in deficits},
            total_eur=Money(total, BASE) if len(known) == len(deficits) else None,
        )

    async def _execute(self, asked: ExecuteRebalance) -> RunRecord:
        trading = self._p.boards.trading.value
        if trading is None:
            raise Unavailable("the trading mode is not known yet")
        if trading.halted:
            names = ", ".join(latch.name for latch in trading.latches)
            raise Refused(f"trading is halted: {names}", code="halted")
        self._portfolio()
        if trading.mode != "live":
            raise Conflict("nothing is rebalanced in research mode", code="research_mode")
        before, self._asked = self._asked, _Asked(asked.available_cash)
        run = RunJob("rebalance", "api" if asked.by.startswith("http") else "socket")
        try:
            return await self._p.schedule.ask(run, deadline_s=ASK_DEADLINE_S)
        except TrimtabError:
            self._asked = before
            raise

    # Shared

    async def _triggers(
        self, portfolio: PortfolioSnapshot, thresholds: Thresholds, offered: Money | None
    ) -> Triggers:
        weights = (await self._s.knowledge(portfolio)).targets.weights
        cash = _cash(portfolio, offered)
        return triggers(portfolio, weights, thresholds, cash=cash)

    def _thresholds(
        self, portfolio: PortfolioSnapshot, *, asked: bool, min_trade: Money | None = None
    ) -> Thresholds:
        limits = self._s.limits
        return Thresholds(
            enabled=asked or limits.event_driven_rebalancing,
            drift=limits.rebalance_drift,
            cash_multiplier=limits.rebalance_cash_multiplier,
            min_trade=min_trade or self._min_trade(portfolio),
        )

    def _min_trade(self, portfolio: PortfolioSnapshot) -> Money:
        rates = self._s.trade_rates(portfolio)
        least = min_trade_eur(self._s.fees, self._s.limits, rates)
        if least is None:
            raise Unavailable("the fee's currency has no rate fit for trading")
        return least

    def _portfolio(self) -> PortfolioSnapshot:
        """The newest portfolio; raises Unavailable while the broker is not heard."""
        portfolio = self._p.boards.portfolio.value
        if portfolio is None:
            raise Unavailable("no portfolio yet")
        if portfolio.stale is not None:
            raise Unavailable(f"the account could not be read: {portfolio.stale}")
        return portfolio


def _cash(portfolio: PortfolioSnapshot, offered: Money | None) -> Money:
    cash = spendable(portfolio, offered)
    if cash is None:
        raise Unavailable(f"the value of {', '.join(portfolio.unvalued)} is not known")
    return cash
