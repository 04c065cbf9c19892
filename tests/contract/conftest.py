"""Every test closes the exchanges that it opened."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from tests.broker.paper_rig import close_all


@pytest.fixture(autouse=True)
def closed_exchanges() -> Generator[None]:
    yield
    close_all()
