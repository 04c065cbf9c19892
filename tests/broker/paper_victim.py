"""A process that follows the script of orders on the paper exchange and kills itself on the way.

Run as `python -m tests.broker.paper_victim FILE N`: SIGKILL comes before its N-th SQL statement
after the exchange was opened. A process of its own, because nothing of it may outlive the kill.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from tests.broker.paper_rig import LIVELY, Rig
from tests.broker.paper_script import follow


def main(path: Path, statement: int) -> None:
    rig = Rig(market=LIVELY, path=path)
    left = [statement]

    def count(_: str) -> None:
        left[0] -= 1
        if left[0] <= 0:
            os.kill(os.getpid(), signal.SIGKILL)

    rig.broker.storage.db.set_trace_callback(count)
    follow(rig)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
