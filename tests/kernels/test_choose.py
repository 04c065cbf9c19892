"""Which back end serves, and what is said about it."""

import subprocess
import sys

import pytest

import kernels
from kernels import indicators_numpy, risk_numpy, rolling_numpy, search_numpy, sequences_numpy
from kernels.choose import BackendReport, choose, load
from tests.kernels.conftest import EXTENSIONS, needs_extension


@pytest.fixture
def no_extension(monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation without the compiled files."""
    for name in EXTENSIONS:
        monkeypatch.delattr(kernels, name, raising=False)
        monkeypatch.setitem(sys.modules, f"kernels.{name}", None)


@pytest.mark.usefixtures("no_extension")
def test_auto_falls_back_to_numpy_and_says_why() -> None:
    loaded = load("auto")
    assert loaded.sequences is sequences_numpy
    assert loaded.search is search_numpy
    assert loaded.risk is risk_numpy
    assert loaded.indicators is indicators_numpy
    assert loaded.rolling is rolling_numpy
    assert loaded.report.wanted == "auto"
    assert loaded.report.used == "numpy"
    assert loaded.report.reason.startswith("extension not built: ")


@pytest.mark.usefixtures("no_extension")
def test_cython_is_an_error_when_the_extension_is_missing() -> None:
    with pytest.raises(ImportError, match="KERNELS=cython, but the extension is missing"):
        load("cython")


@needs_extension
@pytest.mark.parametrize("wanted", ["auto", "cython"])
def test_extension_serves_when_it_is_there(wanted: str) -> None:
    assert load(wanted).report == BackendReport(wanted, "cython", "extension loaded")


def test_numpy_can_be_asked_for() -> None:
    assert load("numpy").report == BackendReport("numpy", "numpy", "asked for")


def test_unknown_back_end_is_refused() -> None:
    with pytest.raises(ValueError, match="KERNELS: 'fortran', expected one of auto, cython, numpy"):
        load("fortran")


def test_environment_decides_for_the_process() -> None:
    script = "import kernels; print(kernels.backend_report().used)"
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={"KERNELS": "numpy"},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert done.stdout.strip() == "numpy"


def test_one_back_end_serves_every_kernel() -> None:
    used = kernels.backend_report().used
    expected = load(used)
    assert choose("sequences") is expected.sequences
    assert choose("search") is expected.search
    assert choose("risk") is expected.risk
    assert choose("indicators") is expected.indicators
    assert choose("rolling") is expected.rolling
