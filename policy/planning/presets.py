"""The configurations that ship with the program, as the texts their owner may read and change."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Final, Literal

from policy.planning.config import PlannerConfig
from policy.planning.config_text import read_config

PresetName = Literal["default", "conservative", "aggressive"]
PRESETS: Final[tuple[PresetName, ...]] = ("default", "conservative", "aggressive")
_FOLDER = files("policy.planning") / "presets"


@cache
def preset_text(name: PresetName) -> str:
    return (_FOLDER / f"{name}.toml").read_text(encoding="utf-8")


def preset(name: PresetName) -> PlannerConfig:
    config = read_config(preset_text(name)).config
    assert config is not None, f"the preset {name} is not valid"
    return config
