"""Make the pictures of the README from the running demo: `python -m tools.pictures`.

The dashboard is photographed in headless Chromium about a minute into the demo; the matrix is
rendered from the ticker text that the demo shows at that moment.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from hw.frames import Banner, Screen, render
from hw.picture import LED, encode_gif
from hw.port import Frame, Size
from tests.browser.chrome import chromium

OUT = Path("docs/pictures")
PORT = 8127
BASE = f"http://127.0.0.1:{PORT}"
WARM_UP_S = 52
MATRIX = Size(8, 32)
FRAME_MS = 100
FRAMES = 160


@contextmanager
def demo(folder: Path) -> Generator[None, None, None]:
    config = folder / "demo.toml"
    config.write_text(
        f'[account]\ntimezone = "{noon_zone()}"\n[http]\nbind = "127.0.0.1:{PORT}"\n'
        "[display]\nrows = 8\ncolumns = 32\n"
    )
    command = [sys.executable, "-m", "daemon", "--demo", "--data", str(folder / "data")]
    process = subprocess.Popen([*command, "--config", str(config)])
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=15)


def noon_zone() -> str:
    """A zone in which it is about noon: at night the lights are dimmed."""
    west = time.gmtime().tm_hour - 12
    return f"Etc/GMT{west:+d}"


def ticker_text() -> str:
    with urllib.request.urlopen(f"{BASE}/api/display/state", timeout=10) as answer:
        return str(json.load(answer)["next_actions_text"])


def matrix(text: str) -> list[Frame]:
    screen = Screen(ticker=Banner(text, 0), brightness=255)
    return [render(screen, t_ms=index * FRAME_MS, size=MATRIX) for index in range(FRAMES)]


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, demo(Path(folder)):
        time.sleep(WARM_UP_S)
        with chromium(Path(folder) / "browser") as page:
            page.size(1280, 1000)
            page.scheme("light")
            page.open(f"{BASE}/")
            page.until("document.querySelector('#total').textContent.includes('€')")
            time.sleep(3)
            page.picture(OUT / "dashboard.png", whole=False)
            page.size(375, 812, scale=2, phone=True)
            time.sleep(2)
            page.picture(OUT / "phone.png", whole=False)
        frames = matrix(ticker_text())
    (OUT / "matrix.gif").write_bytes(encode_gif(frames, frame_ms=FRAME_MS, look=LED))


if __name__ == "__main__":
    main()
