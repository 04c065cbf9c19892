"""The ask box of every actor that answers, and how to open them all."""

from __future__ import annotations

from dataclasses import dataclass, fields

from wire.mailbox import AskBox


@dataclass(frozen=True, slots=True)
class AskBoxes:
    """One box per actor, by its name; `analyst` is the planner's desk for what takes computing."""

    schedule: AskBox
    planner: AskBox
    trader: AskBox
    ticker: AskBox
    sync: AskBox
    rebalancer: AskBox
    drip: AskBox
    analyst: AskBox

    @classmethod
    def opened(cls) -> AskBoxes:
        return cls(*(AskBox(field.name) for field in fields(cls)))
