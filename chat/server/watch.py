"""Files that are taken into use when they change on disk.

A look is a stat of each; what changed is taken when two looks in a row find the same, so
that nobody reads what is being written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from hashlib import sha256
from pathlib import Path

from twisted.logger import Logger

_log = Logger()

#: Seconds between two looks.
INTERVAL = 0.25

#: For each path its time, size and inode; ``None`` where there is none.
_Signature = dict[Path, tuple[int, int, int] | None]


class Watch:
    """Calls ``take`` when one of ``files`` has changed, and at the first looks.

    When it raises, what was in use stays so; the log says why once for each content.
    """

    def __init__(self, files: Callable[[], Iterable[Path]], take: Callable[[], None]) -> None:
        self._files = files
        self._take = take
        self._seen: _Signature = {}
        self._tried: _Signature = {}
        self._complaint: tuple[str, bytes] | None = None

    def look(self) -> None:
        """Take the files if they have changed, and change no more."""
        found = {path: _stat(path) for path in self._files()}
        if found != self._seen:
            self._seen = found
        elif found != self._tried:
            self._tried = found
            self._try()

    def retry(self) -> None:
        """Try once more what could not be taken: time may have mended it."""
        if self._complaint is not None:
            self._try()

    def _try(self) -> None:
        try:
            self._take()
        except Exception as error:  # whatever a file may hold, the server goes on
            self._complain(str(error) or type(error).__name__)
        else:
            self._complaint = None

    def _complain(self, why: str) -> None:
        digest = sha256()
        for path in self._files():
            try:
                digest.update(path.read_bytes())
            except OSError:
                digest.update(b"?")
        complaint = (why, digest.digest())
        if complaint != self._complaint:
            self._complaint = complaint
            _log.error("Changed certificates are not taken into use: {why}", why=why)


def _stat(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
