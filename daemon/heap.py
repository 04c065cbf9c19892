"""How the C library's heap is used: tightly, because the board has little."""

from __future__ import annotations

import ctypes
from contextlib import suppress

# The number of mallopt() for the most arenas (malloc.h of glibc).
M_ARENA_MAX = -8


def share_one_heap() -> None:
    """Let all threads allocate from one heap where that can be said (glibc); call it first.

    By default each of the few threads would keep a heap of its own, with its own unused pages.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)


def release_unused() -> None:
    """Give back what is not needed any more, where the C library knows how to (glibc).

    Takes milliseconds, in which other threads may run.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
