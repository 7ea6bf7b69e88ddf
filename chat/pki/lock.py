"""One change of the authority's files at a time."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from chat.pki.errors import PkiError
from chat.pki.layout import Layout

#: Seconds to wait for another command, or the server; each holds the lock for a few.
PATIENCE = 30.0
_PAUSE = 0.05


@contextmanager
def locked(layout: Layout, patience: float = PATIENCE) -> Iterator[None]:
    """Hold the lock of a directory of keys; `PkiError` when another does for too long.

    Blocks.  Whoever holds it reads what is there and replaces it, and asks nobody
    anything meanwhile; the system lets go of it when the process ends.
    """
    from fcntl import LOCK_EX, LOCK_NB, flock  # not on Windows, which runs clients only

    descriptor = os.open(layout.lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        deadline = time.monotonic() + patience
        while True:
            try:
                flock(descriptor, LOCK_EX | LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() >= deadline:
                    raise PkiError(
                        f"another program has been changing {layout.directory} for"
                        f" {patience:.0f} s: try again when it has ended"
                    ) from error
                time.sleep(_PAUSE)
        yield
    finally:
        os.close(descriptor)
