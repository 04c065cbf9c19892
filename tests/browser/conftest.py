"""The browser tests run only where Chromium is installed."""

from __future__ import annotations

from tests.browser.chrome import BINARY

collect_ignore_glob: list[str] = [] if BINARY.exists() else ["test_*.py"]
