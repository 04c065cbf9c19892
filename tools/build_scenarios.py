"""Writes tools/scenarios: one folder per scenario, the same byte for byte on every run.

Run `python -m tools.build_scenarios` from the root of the repository after a change of
`scenario_list` or `scenario_market`, and commit what it writes.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

from broker.market_files import HEADERS
from tools.scenario_list import DEEP, SCENARIOS, Scenario
from tools.scenario_market import PER_EUR, SHARES, bars, rates, units, weekdays

TARGET = Path(__file__).parent / "scenarios"
FIRST = date(2025, 1, 20)
SEED = 20250204
FAVOURED = Decimal("1.15")

Rows = Iterable[tuple[str, ...]]


def main() -> None:
    for scenario in SCENARIOS:
        for name, text in files(scenario).items():
            path = TARGET / scenario.name / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        print(scenario.name)


def files(scenario: Scenario) -> dict[str, str]:
    """Everything in the scenario's folder, by the path within it."""
    tables: dict[str, Rows] = {
        "securities.csv": _securities(scenario),
        "prices.csv": _prices(scenario),
        "fx.csv": _rates(scenario),
        "opening.csv": _opening(scenario),
        "cash.csv": scenario.flows,
        "outages.csv": scenario.outages,
    }
    found = {name: list(rows) for name, rows in tables.items()}
    written = {f"market/{name}": _csv(name, rows) for name, rows in found.items() if rows}
    return {
        **written,
        "demo.toml": _config(scenario),
        "expect.toml": _expected(scenario),
        "README.md": _readme(scenario),
    }


def _securities(scenario: Scenario) -> Iterator[tuple[str, ...]]:
    for symbol in scenario.shares:
        share = SHARES[symbol]
        yield (
            symbol,
            share.isin,
            share.name,
            share.currency,
            share.mic,
            share.country,
            share.industry,
            "EQUITY",
            "1",
        )


def _days(scenario: Scenario) -> tuple[date, ...]:
    return tuple(weekdays(FIRST, scenario.last))


def _prices(scenario: Scenario) -> Iterator[tuple[str, ...]]:
    for symbol in scenario.shares:
        volume = scenario.volumes.get(symbol, DEEP)
        yield from bars(SHARES[symbol], _days(scenario), seed=SEED, volume=volume)


def _rates(scenario: Scenario) -> Iterator[tuple[str, ...]]:
    for currency in PER_EUR:
        gap = scenario.gap.get(currency)
        yield from rates(currency, _days(scenario), seed=SEED, gap=gap)


def _opening(scenario: Scenario) -> Iterator[tuple[str, ...]]:
    for currency, amount in scenario.cash.items():
        yield ("cash", currency, "", amount, "")
    for symbol in scenario.shares:
        share = SHARES[symbol]
        part = FAVOURED if symbol == scenario.favourite else Decimal(1)
        held = units(share, scenario.each_eur * part)
        yield ("position", share.currency, symbol, str(held), str(share.price))


def _csv(name: str, rows: Rows) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(HEADERS[name])
    writer.writerows(rows)
    return stream.getvalue()


def _config(scenario: Scenario) -> str:
    return f"""\
# {scenario.story}
[account]
timezone = "Europe/Berlin"

[broker]
kind = "paper"

[paper]
market = "market"
start = "{scenario.start}"
rate = {scenario.rate}

[http]
bind = "127.0.0.1:0"

[display]
driver = "auto"
"""


def _expected(scenario: Scenario) -> str:
    end = scenario.expected
    lines = [
        "# What must have come of it when the player stops; see tools/play_scenario.py.",
        f"runs = {_texts(end.runs)}",
        f"covered = {_texts(end.covered)}",
        f"sales = [{end.sales[0]}, {end.sales[1]}]",
        f"pairs = {_texts(end.pairs)}",
        f"recommended = {end.recommended}",
    ]
    for key in ("asleep_until", "mode", "decide"):
        value = getattr(end, key)
        lines += [f'{key} = "{value}"'] if value else []
    lines += [f"{key} = true" for key in ("partial", "outage") if getattr(end, key)]
    return "\n".join(lines) + "\n"


def _texts(values: Iterable[str]) -> str:
    return "[" + ", ".join(f'"{value}"' for value in values) + "]"


def _readme(scenario: Scenario) -> str:
    watch = "\n".join(f"- {line}" for line in scenario.watch)
    return f"""\
# {scenario.name}

{scenario.story}

Watch:

{watch}

Play it with `make scenario NAME={scenario.name}`. It starts at {scenario.start} and runs
{scenario.rate} times as fast as the world; `expect.toml` says what must have come of it.
"""


if __name__ == "__main__":
    main()
