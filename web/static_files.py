"""The dashboard's own files, read once at start and kept compressed.

A look-up in a fixed table serves them, so no path from a request ever reaches the file system.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).with_name("static")
CHART = "vendor/uplot.js"
_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """`packed` is the gzip form; `tag` changes with the content."""

    data: bytes
    packed: bytes
    media_type: str
    tag: str


def load(folder: Path = FOLDER) -> Mapping[str, Asset]:
    """Every file of a known type below `folder`, by its path relative to it."""
    found = sorted(path for path in folder.rglob("*") if path.suffix in _TYPES and path.is_file())
    return {path.relative_to(folder).as_posix(): _asset(path) for path in found}


def _asset(path: Path) -> Asset:
    data = path.read_bytes()
    return Asset(
        data=data,
        packed=gzip.compress(data, 9, mtime=0),
        media_type=_TYPES[path.suffix],
        tag=f'"{hashlib.sha256(data).hexdigest()[:16]}"',
    )
