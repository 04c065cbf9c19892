"""Copy the chart library from node_modules into static/vendor, with its licence.

Run after `npm ci --ignore-scripts` in this folder: `python -m web.build_assets`. The dashboard
works without it and then names the command that adds the chart.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

HERE = Path(__file__).parent
SOURCE = HERE / "node_modules" / "uplot"
TARGET = HERE / "static" / "vendor"
FILES = {
    "dist/uPlot.iife.min.js": "uplot.js",
    "dist/uPlot.min.css": "uplot.css",
    "LICENSE": "uplot.LICENSE",
}


def copy(source: Path = SOURCE, target: Path = TARGET) -> list[Path]:
    """Copy every file; raises FileNotFoundError when the packages are not installed."""
    target.mkdir(parents=True, exist_ok=True)
    return [Path(shutil.copyfile(source / name, target / new)) for name, new in FILES.items()]


def main() -> int:
    try:
        copied = copy()
    except FileNotFoundError as error:
        sys.stderr.write(f"{error.filename} is missing: run `npm ci --ignore-scripts` in web/\n")
        return 1
    sys.stdout.write(f"{len(copied)} files in {TARGET}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
