"""Every kernel test runs once per back end; without the extension the compiled half is skipped."""

from importlib.util import find_spec

import pytest

from kernels.choose import (
    IndicatorKernel,
    RiskKernel,
    RollingKernel,
    SearchKernel,
    SequenceKernel,
    load,
)

EXTENSIONS = ("_sequences", "_search", "_risk", "_indicators", "_rolling")
BUILT = all(find_spec(f"kernels.{name}") for name in EXTENSIONS)
needs_extension = pytest.mark.skipif(not BUILT, reason="extension not built")
BACKENDS = ["numpy", pytest.param("cython", marks=needs_extension)]


@pytest.fixture(params=BACKENDS, scope="session")
def sequence_kernel(request: pytest.FixtureRequest) -> SequenceKernel:
    return load(request.param).sequences


@pytest.fixture(params=BACKENDS, scope="session")
def search_kernel(request: pytest.FixtureRequest) -> SearchKernel:
    return load(request.param).search


@pytest.fixture(params=BACKENDS, scope="session")
def risk_kernel(request: pytest.FixtureRequest) -> RiskKernel:
    return load(request.param).risk


@pytest.fixture(params=BACKENDS, scope="session")
def indicator_kernel(request: pytest.FixtureRequest) -> IndicatorKernel:
    return load(request.param).indicators


@pytest.fixture(params=BACKENDS, scope="session")
def rolling_kernel(request: pytest.FixtureRequest) -> RollingKernel:
    return load(request.param).rolling
