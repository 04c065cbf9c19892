"""Idempotency keys: what makes a repeated request the same request."""

from __future__ import annotations

import re
import uuid
from collections import OrderedDict

from quart import request

from web.errors import Problem, invalid

HEADER = "Idempotency-Key"
_KEY = re.compile(r"[\x21-\x7e]{1,200}")
KEPT = 1024


def given_key() -> str | None:
    """The request's key, None without one; raises Problem 422 for what is no key."""
    text = request.headers.get(HEADER)
    if text is None:
        return None
    if not _KEY.fullmatch(text):
        message = "1 to 200 visible ASCII characters"
        raise invalid([{"field": HEADER, "value": text[:100], "message": message}])
    return text


def fresh_key() -> str:
    """A key that nobody has used, for a request that came without one."""
    return uuid.uuid4().hex


class StepKeys:
    """Which step of which plan each of the newest KEPT keys was sent with.

    A step is executed once by nature, and what a key became is remembered with its order, also
    across restarts; this tells a key that comes back with another step before that.
    """

    def __init__(self) -> None:
        self._steps: OrderedDict[str, tuple[str, int]] = OrderedDict()

    def check(self, key: str, plan_id: str, step: int) -> None:
        """Raise Problem 409 for a key that was sent with another step before."""
        sent = self._steps.get(key)
        if sent is not None and sent != (plan_id, step):
            raise Problem(409, "key_reused", f"the key {key} was sent with another request")
        self._steps[key] = (plan_id, step)
        self._steps.move_to_end(key)
        if len(self._steps) > KEPT:
            self._steps.popitem(last=False)
