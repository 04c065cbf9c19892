"""Routes of currency exchange: read strictly, held against the broker's own pairs."""

from __future__ import annotations

from pathlib import Path

import pytest

from broker.paper.pairs import PAIRS
from daemon.config import Config, load
from daemon.fx_routes import FxRoute, routes_in_force
from ledger.errors import StartError
from ledger.money import Price, Quantity
from ledger.security import FxPair

ROUTE = '[[fx.route]]\ninstrument = "EUR/USD"\n'


def config_of(tmp_path: Path, text: str) -> Config:
    file = tmp_path / "trimtab.toml"
    file.write_text(text)
    return load(file, data=None, demo=False, environ={"HOME": "/home/owner"})


def errors_of(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(StartError) as caught:
        config_of(tmp_path, text)
    return [line.removeprefix(f"{tmp_path}/") for line in str(caught.value).splitlines()]


def test_without_routes_the_pairs_of_the_broker_are_the_routes(tmp_path: Path) -> None:
    assert config_of(tmp_path, "").routes == ()
    assert routes_in_force((), PAIRS) == PAIRS


def test_every_key_of_a_route_is_read(tmp_path: Path) -> None:
    text = """
    [[fx.route]]
    instrument = "EUR/USD"
    base = "EUR"
    quote = "USD"
    lot = 10
    min_quantity = 100
    [[fx.route]]
    instrument = "HKD/EUR"
    lot = 0.5
    min_quantity = "12.5"
    """
    assert config_of(tmp_path, text).routes == (
        FxRoute("EUR/USD", "EUR", "USD", Quantity.of(10), Quantity.of(100)),
        FxRoute("HKD/EUR", None, None, Quantity.of("0.5"), Quantity.of("12.5")),
    )


def test_every_key_but_the_instrument_has_the_broker_s_value(tmp_path: Path) -> None:
    (pair,) = routes_in_force(config_of(tmp_path, ROUTE).routes, PAIRS)
    assert pair == PAIRS[0]


def test_all_mistakes_are_told_at_once_each_with_its_line(tmp_path: Path) -> None:
    text = (
        '[paper]\nseed = 1\n[[fx.route]]\ninstrument = "EUR/USD"\nlot = 0\nquote = "XXQ"\n'
        '[[fx.route]]\nbase = "EUR"\nquote = "EUR"\nlots = 3\n'
        '[[fx.route]]\ninstrument = "GBP/USD"\nlot = 10\nmin_quantity = 5\n[http]\nbin = "x"\n'
    )
    assert errors_of(tmp_path, text) == [
        'trimtab.toml:6: [[fx.route]] quote: "XXQ": must be the code of a known currency, such as'
        " EUR",
        "trimtab.toml:5: [[fx.route]] lot: 0: must be a number above 0, no finer than a millionth",
        "trimtab.toml:7: [[fx.route]] instrument: must name a pair of the broker",
        "trimtab.toml:10: [[fx.route]] lots: unknown key, did you mean lot?",
        'trimtab.toml:9: [[fx.route]] quote: "EUR": must differ from base',
        "trimtab.toml:14: [[fx.route]] min_quantity: 5: must be at least the lot, 10",
        "trimtab.toml:16: unknown key [http] bin, did you mean bind?",
    ]


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ('[[fx.route]]\ninstrument = "EURUSD"', 2, 'such as "EUR/USD"'),
        ("[[fx.route]]\ninstrument = 5", 2, 'such as "EUR/USD"'),
        (f"{ROUTE}lot = true", 3, "above 0"),
        (f"{ROUTE}lot = nan", 3, "above 0"),
        (f"{ROUTE}lot = 0.0000001", 3, "no finer than a millionth"),
        (f'{ROUTE}lot = "ten"', 3, "above 0"),
        (f"{ROUTE}min_quantity = -1", 3, "above 0"),
        (f"{ROUTE}base = 3", 3, "known currency"),
        (f"{ROUTE}{ROUTE}", 4, "EUR/USD is a route already"),
        ("[fx]\nroute = []", 2, "one or more"),
        ("[fx]\nroute = 3", 2, "one or more"),
        ("[fx]\nroute = [3]", 2, "one or more"),
        ('[fx]\nroute = [{instrument = "EURUSD"}]', 2, 'such as "EUR/USD"'),
        ("[[fx.rout]]\nlot = 3", 1, "did you mean route?"),
        ("[fx]\nroutes = 3", 2, "did you mean route?"),
        ("[fxx]\nroute = 3", 1, "did you mean fx?"),
    ],
)
def test_a_bad_route_names_its_line_and_bound(
    tmp_path: Path, text: str, line: int, says: str
) -> None:
    [error] = errors_of(tmp_path, text)
    assert error.startswith(f"trimtab.toml:{line}: ")
    assert says in error


def test_a_route_restricts_the_broker_s_pair() -> None:
    route = FxRoute("EUR/USD", lot=Quantity.of(10), min_quantity=Quantity.of(50))
    (pair,) = routes_in_force((route,), PAIRS)
    assert (pair.lot, pair.min_quantity, pair.tick) == (
        Quantity.of(10),
        Quantity.of(50),
        PAIRS[0].tick,
    )


def test_the_larger_minimum_counts() -> None:
    offered = FxPair(
        "EUR/USD", "EUR", "USD", Quantity.of(1), Price.of("0.01", "USD"), Quantity.of(80)
    )
    for asked, least in ((50, 80), (100, 100)):
        route = FxRoute("EUR/USD", min_quantity=Quantity.of(asked))
        (pair,) = routes_in_force((route,), (offered,))
        assert pair.min_quantity == Quantity.of(least)


def test_contradictions_with_the_broker_are_told_together() -> None:
    routes = (
        FxRoute("EUR/JPY"),
        FxRoute("EUR/USD", base="USD", quote="EUR"),
        FxRoute("EUR/GBP", lot=Quantity.of("0.5")),
        FxRoute("GBP/USD", min_quantity=Quantity.of("0.5")),
    )
    with pytest.raises(StartError) as caught:
        routes_in_force(routes, PAIRS)
    lines = str(caught.value).splitlines()
    assert [line.split()[1] for line in lines] == ["EUR/JPY:", "EUR/USD:", "EUR/GBP:", "GBP/USD:"]
    assert "it has EUR/GBP, EUR/USD" in lines[0]
    assert "is EUR in USD at the broker" in lines[1]
    assert "lot 0.5 is no multiple of the broker's lot, 1" in lines[2]
    assert "min_quantity 0.5 is below the lot, 1" in lines[3]
