"""The dashboard's shell and files: small, ours, and complete without the chart library."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

from tests.web.world import full_world, trading
from web import build_assets
from web.static_files import CHART, FOLDER, load
from wire.messages import TradingState

BUDGET = 100 * 1024


async def test_the_page_with_all_its_files_stays_within_its_budget() -> None:
    page = await (await full_world().app().test_client().get("/")).get_data(as_text=True)
    packed = sum(len(asset.packed) for asset in load().values())
    assert packed + len(gzip.compress(page.encode())) < BUDGET


async def test_the_page_refers_only_to_files_that_are_served() -> None:
    client = full_world().app().test_client()
    page = await (await client.get("/")).get_data(as_text=True)
    files = set(re.findall(r'(?:src|href)="(/static/[^"]+)"', page))
    assert "/static/js/main.js" in files
    for name in files:
        assert (await client.get(name)).status_code == 200


def test_every_module_imports_only_modules_that_exist() -> None:
    for module in (FOLDER / "js").glob("*.js"):
        for name in re.findall(r'from "(\./[^"]+)"', module.read_text()):
            assert (module.parent / name).is_file(), f"{module.name} imports {name}"


def test_nothing_of_ours_names_another_host_or_parses_text_as_markup() -> None:
    own = [path for path in FOLDER.rglob("*") if path.is_file() and "vendor" not in path.parts]
    for path in own:
        text = path.read_text().replace('xmlns="http://www.w3.org/2000/svg"', "")
        assert not re.search(r"https?://|innerHTML|outerHTML|insertAdjacentHTML|eval\(", text), path


async def test_files_are_packed_revalidated_and_never_guessed() -> None:
    client = full_world().app().test_client()
    packed = await client.get("/static/style.css", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    plain = await client.get("/static/style.css")
    text = await plain.get_data(as_text=True)
    assert gzip.decompress(await packed.get_data(as_text=False)) == text.encode()
    tag = plain.headers["ETag"]
    again = await client.get("/static/style.css", headers={"If-None-Match": tag})
    assert again.status_code == 304


@pytest.mark.parametrize(
    "path", ["/static/../app.py", "/static/%2e%2e/app.py", "/static//etc/passwd", "/static/js"]
)
async def test_no_path_leads_out_of_the_folder(path: str) -> None:
    assert (await full_world().app().test_client().get(path)).status_code == 404


async def test_without_the_library_the_page_says_so(tmp_path: Path) -> None:
    (tmp_path / "style.css").write_text("p { color: red }")
    assert CHART not in load(tmp_path)
    assert set(load(tmp_path)) == {"style.css"}


async def test_the_page_says_whether_the_money_is_real() -> None:
    world = full_world()
    client = world.app().test_client()
    assert 'class="badge paper"' in await (await client.get("/")).get_data(as_text=True)
    world.boards.trading.publish(TradingState("research", "tradernet", ()))
    page = await (await client.get("/")).get_data(as_text=True)
    assert "Real money" in page
    assert "with real money" in page


async def test_without_a_session_every_button_that_changes_something_is_disabled() -> None:
    world = full_world()
    world.boards.trading.publish(trading())
    page = await (await world.app().test_client().get("/")).get_data(as_text=True)
    for name in ("mode-button", "halt-button", "resume-button"):
        assert re.search(rf'id="{name}"[^>]*disabled', page)
    assert "trimtab status" in page


def test_the_library_is_copied_with_its_licence(tmp_path: Path) -> None:
    source = tmp_path / "uplot"
    (source / "dist").mkdir(parents=True)
    for name in build_assets.FILES:
        (source / name).write_text(name)
    copied = build_assets.copy(source, tmp_path / "vendor")
    assert {path.name for path in copied} == {"uplot.js", "uplot.css", "uplot.LICENSE"}


def test_copying_without_the_packages_fails(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        build_assets.copy(tmp_path / "nothing", tmp_path / "vendor")


def test_the_lockfile_names_no_registry() -> None:
    lock = (FOLDER.parent / "package-lock.json").read_text()
    assert "://" not in lock
    assert '"integrity": "sha512-' in lock
