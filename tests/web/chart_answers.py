"""What the analyst would answer when it is asked for charts."""

from __future__ import annotations

from datetime import date

from wire.chart_asks import ChartView, PriceLine, Sparkline, SparklineSet

FIRST = date(2026, 2, 26).toordinal()
LINE = PriceLine((FIRST, FIRST + 1, FIRST + 4), (11.5, 11.1234567, 12.0))
SPARKLINES = SparklineSet(
    "v1",
    complete=True,
    lines=(
        Sparkline("IBE.EU", "ES0144580Y14", "EUR", LINE),
        Sparkline("IBE.US", "ES0144580Y14", "USD", LINE),
        Sparkline("ODD.EU", "", "EUR", LINE),
    ),
)
CHART = ChartView(
    symbol="IBE.EU",
    isin="ES0144580Y14",
    currency="EUR",
    interval="day",
    sources=("paper",),
    complete=False,
    version="v7",
    line=LINE,
)
