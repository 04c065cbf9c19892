"""`trimtabd`: read the arguments and the configuration, run, and turn the end into an exit code."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import cast

import trio

from daemon.config import load
from daemon.heap import share_one_heap
from daemon.watchdog import EXIT_CONFIG, process_notifier
from ledger.errors import StartError, StoreFailed

# The kernels do no linear algebra; the library's threads would only cost memory.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# How long a thread that plans may keep the interpreter to itself while the event loop waits for
# it. With the usual 5 ms, which is paid several times per request, the dashboard would stutter.
SWITCH_S = 0.0005


def main(argv: Sequence[str] | None = None) -> int:
    """Run the daemon; 0 after a stop, 2 when its owner has to mend something first."""
    arguments = _parse(argv)
    sys.setswitchinterval(SWITCH_S)
    share_one_heap()
    notifier = process_notifier()
    try:
        config = load(
            arguments.config, data=arguments.data, demo=arguments.demo, environ=os.environ
        )
        # Modules stay for life. Looking for garbage among them costs a tenth of the start, and
        # doing so again with every full collection would stop the event loop for 50 ms on a fast
        # machine, and for half a second on a small board.
        gc.disable()
        from daemon.main import run  # noqa: PLC0415 - a broken configuration answers at once

        gc.freeze()
        gc.enable()
        return trio.run(partial(run, config, notifier))
    except (StartError, StoreFailed) as error:
        return _give_reason(error)
    except BaseExceptionGroup as group:
        expected, rest = group.split((StartError, StoreFailed))
        if expected is None or rest is not None:
            raise
        return _give_reason(_first(expected))
    finally:
        notifier.close()


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="trimtabd", description=__doc__)
    parser.add_argument("--config", type=Path, metavar="FILE", help="the TOML configuration")
    parser.add_argument("--data", type=Path, metavar="DIR", help="the data folder")
    parser.add_argument("--demo", action="store_true", help="replay the shipped market, fast")
    return parser.parse_args(argv)


def _first(error: BaseException) -> BaseException:
    """The first single error of a group."""
    if isinstance(error, BaseExceptionGroup):
        nested = cast("BaseExceptionGroup[BaseException]", error)
        return _first(nested.exceptions[0])
    return error


def _give_reason(error: BaseException) -> int:
    for line in str(error).splitlines():
        print(f"trimtabd: {line}", file=sys.stderr)
    return EXIT_CONFIG


if __name__ == "__main__":
    sys.exit(main())
