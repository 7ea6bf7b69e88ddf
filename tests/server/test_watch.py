"""Files that change are taken into use, and bad ones are complained of once."""

from __future__ import annotations

import os
from pathlib import Path

from twisted.logger import LogEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from chat.pki.errors import PkiError
from chat.pki.files import write_files
from chat.server.watch import Watch


class WatchTests(SynchronousTestCase):
    def setUp(self) -> None:
        directory = Path(self.mktemp()).absolute()
        self.path, self.other = directory / "a", directory / "b"
        write_files({self.path: b"one"})
        self.taken: list[bytes] = []
        self.complaints: list[str] = []
        self.watch = Watch(lambda: [self.path, self.other], self.take)
        globalLogPublisher.addObserver(self.observe)
        self.addCleanup(globalLogPublisher.removeObserver, self.observe)
        self.look()
        self.assertEqual(self.taken.pop(), b"one")

    def observe(self, event: LogEvent) -> None:
        if event.get("log_namespace") == "chat.server.watch":
            self.complaints.append(event["why"])

    def take(self) -> None:
        content = self.path.read_bytes()
        if content.startswith(b"bad"):
            raise PkiError(f"{content.decode()} is no good")
        self.taken.append(content)

    def look(self, times: int = 3) -> None:
        for _ in range(times):
            self.watch.look()

    def put(self, content: bytes) -> None:
        write_files({self.path: content}, replace=True)

    def test_nothing_changes(self) -> None:
        self.look()
        self.assertEqual(self.taken, [])

    def test_two_looks_after_a_change(self) -> None:
        self.put(b"two")
        self.look(1)
        self.assertEqual(self.taken, [])
        self.look(1)
        self.assertEqual(self.taken, [b"two"])

    def test_while_it_is_written_it_is_not_read(self) -> None:
        for length in range(1, 6):
            self.path.write_bytes(b"three"[:length])
            self.look(1)
        self.assertEqual(self.taken, [])
        self.look(1)
        self.assertEqual(self.taken, [b"three"])

    def test_the_same_size_at_the_same_time(self) -> None:
        """Who exchanges a file leaves another inode, whatever its time says."""
        before = self.path.stat()
        self.put(b"two")
        os.utime(self.path, ns=(before.st_atime_ns, before.st_mtime_ns))
        self.look()
        self.assertEqual(self.taken, [b"two"])

    def test_a_file_comes_and_goes(self) -> None:
        write_files({self.other: b"x"})
        self.look()
        self.other.unlink()
        self.look()
        self.assertEqual(self.taken, [b"one", b"one"])

    def test_a_bad_one_is_complained_of_once_for_each_content(self) -> None:
        for content in (b"bad", b"bad", b"bad 2"):
            self.put(content)
            self.look()
        self.watch.retry()
        self.assertEqual(self.complaints, ["bad is no good", "bad 2 is no good"])
        self.put(b"good")
        self.look()
        self.put(b"bad")
        self.look()
        self.assertEqual(self.taken, [b"good"])
        self.assertEqual(self.complaints[2:], ["bad is no good"])

    def test_time_mends_what_was_too_early(self) -> None:
        self.put(b"bad")
        self.look()
        self.path.write_bytes(b"good")
        self.watch.retry()
        self.assertEqual(self.taken, [b"good"])
        self.watch.retry()
        self.assertEqual(self.taken, [b"good"])
