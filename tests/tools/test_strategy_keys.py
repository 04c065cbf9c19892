"""The document about strategies shows the keys there are."""

from __future__ import annotations

from policy.planning.config_schema import KEYS
from tools.strategy_keys import DOCUMENT, TABLE, table


def test_the_table_of_keys_is_that_of_the_registry() -> None:
    found = TABLE.search(DOCUMENT.read_text(encoding="utf-8"))
    assert found is not None
    assert found[0] == table(), "run python -m tools.strategy_keys"


def test_the_document_names_every_module_and_every_key() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    for key in KEYS:
        assert f"`{key.path[-1]}`" in text
        assert key.path[1] in text
