"""Sending a request while actors give fixed answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import trio

from tests.web.world import BEARER, World
from wire.mailbox import AskBox, serving

Answers = Mapping[str, tuple[object, ...]]


class Sender:
    """One client of one application; `asked` is everything that was asked of the actors."""

    def __init__(self, world: World, answers: Answers | None = None) -> None:
        self.world = world
        self.asked: list[Any] = []
        self.headers: dict[str, str] = {}
        self._answers = answers or {}
        self._client = world.app().test_client()

    async def __call__(
        self, method: str, path: str, body: Any = None, **headers: str
    ) -> tuple[int, Any]:
        """Status and document; names in `headers` have underscores for hyphens."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        sent: dict[str, Any] = {} if body is None else {"json": body}
        async with trio.open_nursery() as nursery:
            for name, answers in self._answers.items():
                nursery.start_soon(self._actor, getattr(self.world.asks, name), answers)
            response = await self._client.open(
                path, method=method, headers={**BEARER, **named}, **sent
            )
            data = await response.get_data()
            nursery.cancel_scope.cancel()
        self.headers = {name.lower(): value for name, value in response.headers.items()}
        return response.status_code, json.loads(data) if data else None

    async def _actor(self, box: AskBox, answers: tuple[object, ...]) -> None:
        """Each answer once, an error raised; the last one again for whatever follows."""
        for number in range(1000):
            value = answers[min(number, len(answers) - 1)]
            ask = await box.receive()
            self.asked.append(ask.request)
            async with serving(ask):
                if isinstance(value, Exception):
                    raise value
                ask.slot.answer(value)
