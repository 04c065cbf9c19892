"""Every kernel test runs once per back end; without the extension the compiled half is skipped."""

from importlib.util import find_spec

import pytest

from kernels.choose import RiskKernel, SequenceKernel, load

BUILT = all(find_spec(f"kernels.{name}") for name in ("_sequences", "_risk"))
needs_extension = pytest.mark.skipif(not BUILT, reason="extension not built")
BACKENDS = ["numpy", pytest.param("cython", marks=needs_extension)]


@pytest.fixture(params=BACKENDS, scope="session")
def sequence_kernel(request: pytest.FixtureRequest) -> SequenceKernel:
    return load(request.param).sequences


@pytest.fixture(params=BACKENDS, scope="session")
def risk_kernel(request: pytest.FixtureRequest) -> RiskKernel:
    return load(request.param).risk
