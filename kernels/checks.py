"""Argument checks of the kernel front doors.

The compiled loops index without bounds checks, so nothing reaches them unchecked.  Every refusal
is one ValueError that names the field, the value found and the bound.
"""

import math
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Rows = NDArray[np.intp]
Bools = NDArray[np.bool_]

T = TypeVar("T", np.float64, np.int32, np.bool_)

AMOUNT_LIMIT = 1e15
"""Largest EUR amount accepted, so that no sum of amounts can overflow."""


def require_array(field: str, array: NDArray[T], *, dtype: type[T], ndim: int) -> NDArray[T]:
    """Refuse anything but a C-contiguous numpy array of exactly this type and rank."""
    if array.dtype != dtype:
        raise ValueError(f"{field}: dtype {array.dtype}, expected {np.dtype(dtype)}")
    if array.ndim != ndim:
        raise ValueError(f"{field}: {array.ndim} dimensions, expected {ndim}")
    if not array.flags.c_contiguous:
        raise ValueError(f"{field}: strides {array.strides}, expected a C-contiguous array")
    return array


def owned(
    field: str, array: NDArray[T], *, dtype: type[T], length: int | None = None
) -> NDArray[T]:
    """A checked, read-only private copy: what was validated once stays valid."""
    require_array(field, array, dtype=dtype, ndim=1)
    if length is not None and len(array) != length:
        raise ValueError(f"{field}: length {len(array)}, expected {length}")
    copy = array.copy()
    copy.setflags(write=False)
    return copy


def owned_table(field: str, array: Floats, *, shape: tuple[int, int]) -> Floats:
    """The same for a table of that many rows and columns."""
    require_array(field, array, dtype=np.float64, ndim=2)
    if array.shape != shape:
        raise ValueError(f"{field}: shape {array.shape}, expected {shape}")
    copy = array.copy()
    copy.setflags(write=False)
    return copy


def require_index(field: str, array: Ints, *, low: int, high: int) -> None:
    """Refuse an index outside low..high (both included)."""
    if array.size == 0:
        return
    for value in (int(array.min()), int(array.max())):
        if not low <= value <= high:
            raise ValueError(f"{field}: index {value}, expected {low} to {high}")


def require_amounts(
    field: str, array: Floats, *, limit: float = AMOUNT_LIMIT, missing: bool = False
) -> None:
    """Refuse infinite or huge values, and NaN unless it stands for a missing value."""
    good = np.abs(array) <= limit
    if missing:
        good |= np.isnan(array)
    if not good.all():
        worst = array.ravel()[np.flatnonzero(~good)[0]]
        raise ValueError(f"{field}: value {worst}, expected a finite one within ±{limit:g}")


def require_number(field: str, value: float, *, low: float, high: float) -> None:
    """Refuse NaN and anything outside low..high (both included)."""
    if not (math.isfinite(value) and low <= value <= high):
        raise ValueError(f"{field}: value {value}, expected {low:g} to {high:g}")
