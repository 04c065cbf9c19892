"""Nudges and asks: how a task is woken, and how it is asked for something with an answer."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import trio

from ledger.errors import ActorUnavailable, BadData, StoreFailed, TrimtabError, Unanswered

R = TypeVar("R")
T = TypeVar("T")

HANDOVER_S = 2.0
# An actor must not go on after one of these, even when there is an asker to tell.
_ENDS_THE_ACTOR = (BadData, StoreFailed)


class NudgeBox(Generic[T]):
    """A wake-up with room for one: when one already waits, the newer reason replaces it."""

    def __init__(self) -> None:
        self._pending: T | None = None
        self._wake = trio.Event()

    def nudge(self, message: T) -> bool:
        """Leave `message`; False when another one was already waiting."""
        fresh = self._pending is None
        self._pending = message
        self._wake.set()
        return fresh

    @property
    def waiting(self) -> bool:
        """Whether a nudge waits to be taken."""
        return self._pending is not None

    async def receive(self) -> T:
        """Wait for a nudge and take it."""
        while self._pending is None:
            await self._wake.wait()
            self._wake = trio.Event()
        message, self._pending = self._pending, None
        self._wake = trio.Event()
        return message

    async def receive_within(self, seconds: float) -> T | None:
        """Like receive; None when nothing came within `seconds`."""
        with trio.move_on_after(seconds):
            return await self.receive()
        return None


class Request(Generic[R]):
    """Base of every question to an actor; the parameter is the type of its answer."""

    __slots__ = ()


class ReplySlot:
    """Where the answer to one ask is put, once: a value, or the error that is the answer."""

    def __init__(self) -> None:
        self._done = trio.Event()
        self._value: Any = None
        self._error: BaseException | None = None

    def answer(self, value: object) -> None:
        assert not self.answered, "an ask is answered once"
        self._value = value
        self._done.set()

    def refuse(self, error: BaseException) -> None:
        assert not self.answered, "an ask is answered once"
        self._error = error
        self._done.set()

    @property
    def answered(self) -> bool:
        return self._done.is_set()

    async def wait(self) -> Any:
        await self._done.wait()
        if self._error is not None:
            raise self._error
        return self._value


@dataclass(frozen=True, slots=True)
class Ask:
    """One request in an actor's hands; leaving `serving` without an answer refuses it."""

    request: Any
    slot: ReplySlot


@asynccontextmanager
async def serving(ask: Ask) -> AsyncGenerator[None, None]:
    """Guard the handling of `ask`: errors raised on purpose become its answer.

    Anything else propagates to the supervisor; the asker learns that the actor was restarted.
    So do BadData and StoreFailed, which the asker is told as they are, and an error after the
    answer, which nobody else would hear of.
    """
    try:
        yield
    except TrimtabError as error:
        told = ask.slot.answered
        if not told:
            ask.slot.refuse(error)
        if told or isinstance(error, _ENDS_THE_ACTOR):
            raise
    finally:
        if not ask.slot.answered:
            ask.slot.refuse(Unanswered("the actor was restarted before it answered"))


class AskBox:
    """The asks of one actor. Nothing queues: an ask waits for the actor to take it."""

    def __init__(self, actor: str) -> None:
        self.actor = actor
        self._send, self._receive = trio.open_memory_channel[Ask](0)

    async def ask(self, request: Request[R], *, deadline_s: float) -> R:
        """Hand `request` over and wait for its answer.

        Raises ActorUnavailable when the actor is not listening within HANDOVER_S, Unanswered when
        it took the request and does not answer within `deadline_s`, and whatever error the actor
        gave as its answer.
        """
        ask = Ask(request, ReplySlot())
        with trio.move_on_after(HANDOVER_S) as handover:
            await self._send.send(ask)
        if handover.cancelled_caught:
            raise ActorUnavailable(f"{self.actor} is busy")
        with trio.move_on_after(deadline_s):
            reply: R = await ask.slot.wait()
            return reply
        raise Unanswered(f"{self.actor} did not answer within {deadline_s:g} s")

    async def receive(self) -> Ask:
        """Take the next ask (the actor's side)."""
        return await self._receive.receive()
