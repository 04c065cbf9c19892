"""Intents and what became of them.

The proposing actors commit intents; everything after that is the trader's. Each method is one
transaction; the moves themselves are checked in store.moves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from ledger.dividend import PotShare
from ledger.errors import Conflict, Missing, Refused
from ledger.money import Money, Price
from ledger.order import TERMINAL, Intent, Mode, OrderState, OrderView, Proposal, Verdict
from store.codec import to_json, to_ms
from store.engine import Tx, Value
from store.moves import move, note_event, route
from store.order_guards import check_may_leave, link_broker_order, lone_stranger, next_tag
from store.order_queries import Looks, OrderQueries, forget_looks, load_looks
from store.order_rows import load_intent, money_columns, price_columns
from store.proposals import Circumstances, propose
from store.settle import settle, settle_shares

_PAST_ACCEPTED = frozenset(
    {
        OrderState.ACCEPTED,
        OrderState.ACTIVE,
        OrderState.PARTIALLY_FILLED,
        OrderState.FILLED,
        OrderState.CANCELLED,
        OrderState.EXPIRED,
    }
)
# What the owner may say of an order that nobody else can tell the fate of.
RESOLUTIONS = {
    "placed": OrderState.ACCEPTED,
    "not_placed": OrderState.NOT_PLACED,
    "closed": OrderState.CANCELLED,
}


class Orders(OrderQueries):
    """Orders, moved; see OrderQueries for what may be asked."""

    async def propose(
        self,
        proposal: Proposal,
        *,
        mode: Mode,
        at: datetime,
        shares: Sequence[PotShare] = (),
        seen_seq: int | None = None,
        key: str | None = None,
    ) -> Intent:
        """Commit a decision; the same (class, source, step, attempt) returns the first one.

        `key` is what the owner sent with it: Conflict `key_reused` when it became another order.
        `shares` are reserved in the same transaction; Conflict `pot_spent` when a pot has less.
        `seen_seq` is the newest fact the decision knew of: Conflict `stale_portfolio` when there
        is a newer one, so that what was just executed is never decided again.
        """

        how = Circumstances(mode, at, seen_seq, key)
        return await self._engine.transaction(lambda tx: propose(tx, proposal, how, shares))

    async def refuse(
        self,
        intent_id: int,
        *,
        verdicts: Sequence[Verdict],
        retry_after: datetime | None,
        at: datetime,
    ) -> Intent:
        """A gate said no. Terminal; `blocked_by` becomes the verdicts that did not pass."""
        failed = [verdict for verdict in verdicts if not (verdict.passed or verdict.forced)]
        columns: dict[str, Value] = {
            "blocked_by": to_json(failed),
            "retry_after_ms": None if retry_after is None else to_ms(retry_after),
        }
        note = "; ".join(f"{verdict.gate}: {verdict.detail}" for verdict in failed)
        return await self._move(
            intent_id, OrderState.REFUSED, at=at, note=note, verdicts=verdicts, columns=columns
        )

    async def simulate(
        self, intent_id: int, *, limit: Price, verdicts: Sequence[Verdict], at: datetime
    ) -> Intent:
        """What would have been sent in research mode. Terminal; nothing when it was taken back."""

        async def work(tx: Tx) -> Intent:
            intent = await load_intent(tx, intent_id)
            if intent.state is not OrderState.PROPOSED:
                return intent
            await move(
                tx, intent_id, intent.state, OrderState.SIMULATED,
                at=at, verdicts=verdicts, columns=price_columns("limit", limit),
            )  # fmt: skip
            draft = intent.proposal
            await tx.insert(
                "INSERT INTO simulated_order VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    intent_id, to_ms(at), draft.symbol, draft.side, draft.quantity.micro,
                    limit.micro, limit.currency,
                ),
            )  # fmt: skip
            await settle_shares(tx, intent_id)
            return await load_intent(tx, intent_id)

        return await self._engine.transaction(work)

    async def begin_submit(
        self,
        intent_id: int,
        *,
        limit: Price,
        reserved: Money,
        reserved_fee: Money,
        verdicts: Sequence[Verdict],
        at: datetime,
        machine_at: datetime,
        mode: Mode,
    ) -> Intent:
        """The last commit before the network: tag, reservation and state `submitting`.

        Raises Refused and changes nothing when the intent is not proposed any more
        (`not_proposed`), a latch stands (`halted`), the mode is not live now, was not live when
        decided or is not `mode` (`mode`), or another order is in flight (`in_flight`).
        """

        async def work(tx: Tx) -> Intent:
            intent = await load_intent(tx, intent_id)
            await check_may_leave(tx, intent, mode)
            columns: dict[str, Value] = {
                "client_order_id": await next_tag(tx, machine_at),
                "submitted_ms": to_ms(at),
                "submitted_machine_ms": to_ms(machine_at),
                **price_columns("limit", limit),
                **money_columns("reserved", reserved),
                **money_columns("reserved_fee", reserved_fee),
            }
            await move(
                tx, intent_id, intent.state, OrderState.SUBMITTING,
                at=at, verdicts=verdicts, columns=columns,
            )  # fmt: skip
            return await load_intent(tx, intent_id)

        return await self._engine.transaction(work)

    async def accepted(self, intent_id: int, broker_order_id: str, *, at: datetime) -> Intent:
        """The broker has the order; nothing changes when a view said so first."""

        async def work(tx: Tx) -> Intent:
            intent = await load_intent(tx, intent_id)
            if intent.state not in _PAST_ACCEPTED:
                await move(tx, intent_id, intent.state, OrderState.ACCEPTED, at=at)
            await link_broker_order(tx, intent, broker_order_id)
            await forget_looks(tx, intent_id)
            await settle(tx, intent_id, at)
            return await load_intent(tx, intent_id)

        return await self._engine.transaction(work)

    async def rejected(self, intent_id: int, text: str, *, at: datetime) -> Intent:
        """The broker said no; its text is kept. Conflict `filled` when executions are known."""
        return await self._move(
            intent_id, OrderState.REJECTED, at=at, note=text, columns={"error": text}, unfilled=True
        )

    async def unknown(self, intent_id: int, text: str, *, at: datetime) -> Intent:
        return await self._move(
            intent_id, OrderState.UNKNOWN, at=at, note=text, columns={"error": text}
        )

    async def not_placed(self, intent_id: int, text: str, *, at: datetime) -> Intent:
        """Proved never to have arrived. Conflict `filled` when executions are known."""
        return await self._move(
            intent_id,
            OrderState.NOT_PLACED,
            at=at,
            note=text,
            columns={"error": text},
            unfilled=True,
        )

    async def escalated(self, intent_id: int, text: str, *, at: datetime) -> Intent:
        """Only the owner can tell. Conflict `filled` when executions are known."""
        return await self._move(
            intent_id,
            OrderState.ESCALATED,
            at=at,
            note=text,
            columns={"error": text},
            unfilled=True,
        )

    async def apply_view(self, intent_id: int, view: OrderView, *, at: datetime) -> Intent:
        """Follow the broker's view along the allowed moves and link its order id.

        An older view than what is known changes nothing. IllegalMove when the broker shows an
        order that was never sent, was not placed or was rejected.
        """

        async def work(tx: Tx) -> Intent:
            intent = await load_intent(tx, intent_id)
            if (view.symbol, view.side) != (intent.proposal.symbol, intent.proposal.side):
                raise Conflict(f"order {intent_id} is not {view}", code="view_mismatch")
            state = intent.state
            for after in route(state, view.state):
                await move(tx, intent_id, state, after, at=at, note=view.reason or "")
                state = after
            await tx.execute(
                "UPDATE intent SET claimed_micro = max(claimed_micro, ?) WHERE intent_id = ?",
                (view.filled.micro, intent_id),
            )
            await link_broker_order(tx, intent, view.broker_order_id)
            await forget_looks(tx, intent_id)
            await settle(tx, intent_id, at)
            return await load_intent(tx, intent_id)

        return await self._engine.transaction(work)

    async def expired(self, intent_id: int, text: str, *, at: datetime) -> Intent:
        """Its day is over and the broker does not list it any more.

        Nothing changes when it has ended otherwise, by its last execution, say.
        """

        async def work(tx: Tx) -> Intent:
            intent = await load_intent(tx, intent_id)
            if intent.state not in TERMINAL:
                await move(tx, intent_id, intent.state, OrderState.EXPIRED, at=at, note=text)
                await settle(tx, intent_id, at)
            return await load_intent(tx, intent_id)

        return await self._engine.transaction(work)

    async def note(self, intent_id: int, text: str, *, at: datetime) -> None:
        """Write something about an order into its history."""

        async def work(tx: Tx) -> None:
            state = (await load_intent(tx, intent_id)).state
            await note_event(tx, intent_id, before=state, after=state, at=at, note=text)

        await self._engine.transaction(work)

    async def resolve(self, intent_id: int, choice: str, *, by: str, at: datetime) -> Intent:
        """The owner's word on an escalated order: placed, not_placed or closed.

        Unless it was never placed, executions that nobody else claims and that can be its own are.
        Raises Missing when it is not escalated (any more), Refused `choice` for another word,
        Conflict `filled` when it is said not to have been placed and executions are known.
        """
        if choice not in RESOLUTIONS:
            raise Refused(f"choice {choice!r}: one of {', '.join(RESOLUTIONS)}", code="choice")
        after = RESOLUTIONS[choice]

        async def work(tx: Tx) -> Intent:
            intent = await load_intent(tx, intent_id)
            if intent.state is not OrderState.ESCALATED:
                raise Missing(f"order {intent_id} waits for no decision, it is {intent.state}")
            if after is OrderState.NOT_PLACED and intent.filled.micro:
                raise Conflict(f"order {intent_id} has executed {intent.filled}", code="filled")
            await move(tx, intent_id, intent.state, after, at=at, note=f"{choice}, said {by}")
            number = await lone_stranger(tx, intent)
            if number is not None and after is not OrderState.NOT_PLACED:
                await link_broker_order(tx, intent, number)
            await forget_looks(tx, intent_id)
            await settle(tx, intent_id, at)
            return await load_intent(tx, intent_id)

        return await self._engine.transaction(work)

    async def note_look(self, intent_id: int, at_machine: datetime) -> Looks:
        """Count one complete look at the broker that did not show the order."""
        at_ms = to_ms(at_machine)

        async def work(tx: Tx) -> Looks:
            await tx.execute(
                "INSERT INTO order_look VALUES (?, 1, ?, ?) ON CONFLICT DO UPDATE SET"
                " looks = looks + 1, last_ms = max(last_ms, excluded.last_ms)",
                (intent_id, at_ms, at_ms),
            )
            return await load_looks(tx, intent_id)

        return await self._engine.transaction(work)

    async def _move(
        self,
        intent_id: int,
        after: OrderState,
        *,
        at: datetime,
        note: str,
        verdicts: Sequence[Verdict] = (),
        columns: Mapping[str, Value] | None = None,
        unfilled: bool = False,
    ) -> Intent:
        """Move an order; when it is there already, nothing changes."""

        async def work(tx: Tx) -> Intent:
            intent = await load_intent(tx, intent_id)
            if unfilled and intent.filled.micro:
                text = f"order {intent_id} has executed {intent.filled}, it cannot be {after}"
                raise Conflict(text, code="filled")
            if intent.state is not after:
                await move(
                    tx, intent_id, intent.state, after,
                    at=at, note=note, verdicts=verdicts, columns=columns,
                )  # fmt: skip
                await settle(tx, intent_id, at)
            return await load_intent(tx, intent_id)

        return await self._engine.transaction(work)
