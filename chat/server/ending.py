"""How the process ends, where ``twistd`` alone would tell its caller the wrong thing."""

from __future__ import annotations

import atexit
import os
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any


def end_well_on_sigterm(reactor: Any) -> None:
    """Exit with 0 after SIGTERM, which twistd would raise again at the end (143).

    To be called when the reactor runs: it sets its own handlers as it starts.
    """

    def stop() -> None:
        if reactor.running:
            reactor.stop()

    def handle(number: int, frame: FrameType | None) -> None:
        reactor.callFromThread(stop)

    signal.signal(signal.SIGTERM, handle)


def start_again(reactor: Any) -> None:
    """Stop the reactor, and at the end become the same program anew, with the same arguments."""
    atexit.register(os.execv, sys.executable, sys.orig_argv)
    reactor.stop()


def rehash_on_sighup(reactor: Any, rehash: Callable[[], object]) -> None:
    """Call ``rehash`` in the reactor's thread after SIGHUP."""
    signal.signal(signal.SIGHUP, lambda number, frame: reactor.callFromThread(rehash))


def end_with_failure(reactor: Any) -> None:
    """Stop the reactor, and exit with 1, for which twistd has no way once the reactor runs."""
    atexit.register(os._exit, 1)
    reactor.stop()
