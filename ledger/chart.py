"""What may be asked of a chart of prices."""

from __future__ import annotations

from typing import Literal

ChartRange = Literal["1M", "3M", "6M", "1Y", "5Y", "10Y", "all"]
"""How far back it reaches, in calendar days from today (see `policy.charts`)."""

ChartInterval = Literal["day", "week", "month"]
"""What one point stands for: the last close of that span."""

ChartSource = Literal["auto", "tradernet", "yahoo"]
"""Whose bars are shown; `auto` shows whatever is stored."""
