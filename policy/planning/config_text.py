"""The text of a planner configuration: read strictly, every mistake told at once with its line.

Whatever is not in the text has its default. Sizes are bounded before anything is looked at, so
that no text, however odd, keeps a small board busy.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from hashlib import blake2b
from typing import Any, Final, cast

from ledger.money import Money
from ledger.planner_config import ConfigFinding
from policy.planning.config import DEFAULT_CONFIG, PlannerConfig
from policy.planning.config_rules import RuleFinding, broken_rules
from policy.planning.config_schema import (
    KEYS,
    Key,
    Path,
    Setting,
    value_at,
    with_values,
)
from policy.planning.config_values import Bad, read_value, shown
from policy.toml_lines import Lines, near

MAX_BYTES = 64 * 1024
MAX_DOTS = 64
"""Dots in one line: of a name with many parts, TOML is slow to read."""
MAX_FINDINGS = 200
_AT_LINE = re.compile(r" \(at line (\d+), column \d+\)$")
_SHOWN = 60
# Only these say nothing about what is planned.
_WORDS = frozenset({("planner", "name"), ("planner", "description")})

_Tree = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ConfigCheckResult:
    """`config` is there when there are no errors."""

    errors: tuple[ConfigFinding, ...]
    warnings: tuple[ConfigFinding, ...]
    config: PlannerConfig | None


def text_hash(text: str) -> str:
    """The name of a text: 128 bits of BLAKE2b in hex."""
    return blake2b(text.encode(), digest_size=16).hexdigest()


def config_hash(config: PlannerConfig) -> str:
    """The name of what a configuration means: 128 bits of BLAKE2b in hex over all its values.

    Comments, order, spelling of numbers, its name and description leave it as it is.
    """
    told = [
        f"{key.name}={_canonical(value_at(config, key.where))}"
        for key in KEYS
        if key.path not in _WORDS
    ]
    return text_hash("\n".join(sorted(told)))


def read_config(text: str, *, correlations: bool = True) -> ConfigCheckResult:
    """The configuration a text describes, or everything that is wrong with it.

    `correlations`: there are some to filter by; without them a filter that needs them is warned of.
    """
    try:
        tables = _parsed(text)
    except _NotToml as error:
        return ConfigCheckResult((error.finding,), (), None)
    reader = _Reader(Lines(text))
    reader.table(tables, _TREE, ())
    config = with_values(DEFAULT_CONFIG, reader.values)
    for rule in broken_rules(config, correlations=correlations):
        reader.note_rule(rule)
    return ConfigCheckResult(
        errors=_bounded(reader.errors),
        warnings=_bounded(reader.warnings),
        config=None if reader.errors else config,
    )


class _NotToml(Exception):
    def __init__(self, message: str, line: int | None) -> None:
        super().__init__(message)
        self.finding = ConfigFinding("", message, line)


def _parsed(text: str) -> Mapping[str, object]:
    """The tables of a text; raises _NotToml."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise _NotToml("not valid TOML: it cannot be written as UTF-8", None) from None
    if size > MAX_BYTES:
        raise _NotToml(f"the text has {size} bytes, at most {MAX_BYTES} are read", None)
    for number, written in enumerate(text.split("\n"), 1):
        if written.count(".") > MAX_DOTS and not written.lstrip().startswith("#"):
            raise _NotToml(f"more than {MAX_DOTS} dots in one line", number)
    try:
        return tomllib.loads(text, parse_float=Decimal)
    except RecursionError:
        raise _NotToml("not valid TOML: lists or tables are nested too deeply", None) from None
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        at = _AT_LINE.search(message)
        line = int(at[1]) if at else text.count("\n") + 1
        raise _NotToml(f"not valid TOML: {_AT_LINE.sub('', message)}", line) from None
    except (ValueError, InvalidOperation):
        raise _NotToml("not valid TOML: a number is beyond all bounds", None) from None


@dataclass(slots=True)
class _Reader:
    """Collects values by their place, and what is wrong, in the order of the text."""

    lines: Lines
    values: dict[Path, Setting] = field(default_factory=dict[Path, Setting])
    written: set[str] = field(default_factory=set[str])
    wrong: set[str] = field(default_factory=set[str])
    errors: list[ConfigFinding] = field(default_factory=list[ConfigFinding])
    warnings: list[ConfigFinding] = field(default_factory=list[ConfigFinding])

    def table(self, found: Mapping[str, object], known: _Tree, path: Path) -> None:
        """Read one table and those in it; `known` is as deep as it goes."""
        for word, raw in found.items():
            inner, here = known.get(word), (*path, word)
            self.written.add(".".join(here))
            if inner is None:
                hint = _inside(word, known, path) or near(word, known)
                self._wrong(here, f"unknown {_what(raw, path)} {word[:_SHOWN]}{hint}")
            elif isinstance(inner, Key):
                self._value(inner, raw)
            elif isinstance(raw, Mapping):
                self.table(cast("Mapping[str, object]", raw), inner, here)
            else:
                self._wrong(here, f"{word} = {shown(raw)}: must be a table")

    def note_rule(self, rule: RuleFinding) -> None:
        """A rule that rests on a key that is wrong itself has nothing to say."""
        if self.wrong.intersection(rule.paths):
            return
        told = rule.paths[0]
        place = next((path for path in rule.paths if path in self.written), None)
        line = None if place is None else self.lines.of(*place.split("."))
        finding = ConfigFinding(told, rule.message, line)
        (self.errors if rule.severity == "error" else self.warnings).append(finding)

    def _value(self, key: Key, raw: object) -> None:
        try:
            self.values[key.where] = read_value(key, raw)
        except Bad as error:
            self._wrong(key.path, f"{key.path[-1]} = {shown(raw)}: {error}")

    def _wrong(self, path: Path, message: str) -> None:
        name = ".".join(path)
        self.wrong.add(name)
        self.errors.append(ConfigFinding(_short(name), message, self.lines.of(*path)))


def _what(raw: object, path: Path) -> str:
    """What an unknown word would have been."""
    if not path:
        return "table" if isinstance(raw, Mapping) else "key"
    return "module" if len(path) == 1 and path[0] != "planner" else "key"


def _inside(word: str, known: _Tree, path: Path) -> str | None:
    """Where a key belongs that stands one table too high; None when it does not."""
    for name, inner in known.items():
        if not isinstance(inner, Key) and isinstance(inner.get(word), Key):
            return f", it belongs in [{'.'.join((*path, name))}]"
    return None


def _short(name: str) -> str:
    return name if len(name) <= 2 * _SHOWN else f"{name[: 2 * _SHOWN]}…"


def _bounded(findings: list[ConfigFinding]) -> tuple[ConfigFinding, ...]:
    """In the order of the text; of very many the first, and how many more there are."""
    ordered = sorted(findings, key=lambda one: (one.line is None, one.line or 0))
    if len(ordered) <= MAX_FINDINGS:
        return tuple(ordered)
    more = ConfigFinding("", f"and {len(ordered) - MAX_FINDINGS} more like these", None)
    return (*ordered[:MAX_FINDINGS], more)


def _canonical(value: Setting) -> str:
    if isinstance(value, tuple):
        return ",".join(_canonical(part) for part in value)
    if isinstance(value, Decimal):
        return format(value.normalize() + 0, "f")
    return repr(value.minor) if isinstance(value, Money) else repr(value)


def _tree() -> _Tree:
    root: _Tree = {}
    for key in KEYS:
        table = root
        for name in key.path[:-1]:
            table = table.setdefault(name, {})
        table[key.path[-1]] = key
    return root


_TREE: Final = _tree()
