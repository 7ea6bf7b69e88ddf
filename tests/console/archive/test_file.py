"""The file of an archive: where it is, who reads it, and what a killed program leaves."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

from attrs import evolve
from twisted.internet import reactor
from twisted.trial.unittest import SynchronousTestCase

from chat.client.profile import Address, Profile
from chat.client.tls import Credentials
from chat.console.archive import Archive
from chat.console.archive.file import ArchiveError, archive_path, folded
from tests.console.archive.archives import ArchiveCase, numbers, said
from tests.pki.networks import Network


class FoldedTest(SynchronousTestCase):
    def test_marks_that_make_another_letter_stay(self) -> None:
        self.assertNotEqual(folded("が"), folded("か"))
        self.assertEqual(folded("ﬁＡ"), "fia")


class FileTest(ArchiveCase):
    async def test_only_the_owner_reads(self) -> None:
        self.note(said(1))
        await self.written()
        modes = {
            path.name: stat.S_IMODE(path.stat().st_mode) for path in self.path.parent.iterdir()
        }
        names = ("net.sqlite", "net.sqlite-wal", "net.sqlite-shm")
        self.assertEqual(modes, dict.fromkeys(names, 0o600))
        self.assertEqual(stat.S_IMODE(self.path.parent.stat().st_mode), 0o700)

    async def test_what_others_read_is_refused(self) -> None:
        await self.archive.close()
        self.path.chmod(0o640)
        error = self.assertRaises(ArchiveError, self.open)
        self.assertIn(f"run chmod 600 {self.path}", str(error))

    async def test_what_is_no_archive_is_refused(self) -> None:
        newer = self.path.with_name("newer")
        other = self.path.with_name("other")
        for path, statement in ((newer, "PRAGMA user_version = 99"), (other, "CREATE TABLE t (a)")):
            sqlite3.connect(path).execute(statement).connection.close()
            path.chmod(0o600)
        text = self.path.with_name("text")
        text.write_bytes(b"no database at all, " * 100)
        text.chmod(0o600)
        for path, cause in ((newer, "newer"), (other, "another program"), (text, "not a database")):
            error = self.assertRaises(ArchiveError, Archive.open, path, reactor)
            self.assertIn(cause, str(error))
            self.assertIn("move", str(error))

    async def test_two_consoles_on_one_file(self) -> None:
        other = self.open()
        for number in range(1, 40):
            for archive in (self.archive, other):
                archive.note(said(number))
                archive.note(said(number, f"own {id(archive)}", msgid=""))
        await self.written(other)
        kept = await self.latest(limit=1000)
        self.assertEqual(len([each for each in kept if each.said.msgid]), 39)
        self.assertEqual(len(kept), 3 * 39)
        self.assertEqual(self.failures, [])
        self.assertEqual(other.latest("#lab", 1000), kept)

    def test_two_programs_make_one_file(self) -> None:
        path = self.path.with_name("fresh")
        code = "import sys; from pathlib import Path; " + (
            "from chat.console.archive.file import open_archive; open_archive(Path(sys.argv[1]))"
        )
        programs = [
            subprocess.Popen([sys.executable, "-c", code, str(path)], stderr=subprocess.PIPE)
            for _ in range(4)
        ]
        for program in programs:
            _, errors = program.communicate()
            self.assertEqual((program.returncode, errors), (0, b""))

    async def test_a_program_that_is_killed_loses_the_last_batch_at_most(self) -> None:
        code = """if True:
            import os, sys
            from twisted.internet import reactor
            from chat.console.archive import Archive
            from pathlib import Path
            from tests.console.archive.archives import said
            archive = Archive.open(Path(sys.argv[1]), reactor)
            for number in range(1000):
                archive.note(said(number))
            def end(_):
                archive.note(said(1000))
                os._exit(9)
            archive.before("#lab", said(0), 1).addCallback(end)
            reactor.run()
        """
        await self.archive.close()
        root = Path(__file__).parents[3]
        ended = subprocess.run([sys.executable, "-c", code, str(self.path)], cwd=root)
        self.assertEqual(ended.returncode, 9)
        self.assertTrue(self.path.with_name("net.sqlite-wal").stat().st_size)
        self.archive = self.open()
        kept = numbers(self.archive.latest("#lab", 2000))
        self.assertEqual(kept, [str(number) for number in range(1000)])
        check = sqlite3.connect(self.path)
        self.assertEqual(check.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
        check.close()

    async def test_after_closing_there_is_nothing_more(self) -> None:
        self.note(said(1))
        await self.archive.close()
        await self.archive.close()
        self.note(said(2))
        await self.assertFailure(self.archive.before("#lab", said(1), 1), ArchiveError)
        self.archive = self.open()
        self.assertEqual(numbers(self.archive.latest("#lab", 5)), ["1"])


class PathTest(SynchronousTestCase):
    def setUp(self) -> None:
        self.authority = Network.make(Path(self.mktemp())).root.certificate

    def profile(self, **changes: object) -> Profile:
        credentials = Credentials((), None, (self.authority,), "ca.crt")
        profile = Profile(Address("chat.example"), "chat.example", "alice", credentials)
        return evolve(profile, **changes)

    def test_a_readable_name_for_each_network(self) -> None:
        paths = {
            archive_path(profile, Path("/data"))
            for profile in (
                self.profile(),
                self.profile(account="bob"),
                self.profile(address=Address("chat.example", 7000)),
            )
        }
        self.assertEqual(len(paths), 3)
        name = archive_path(self.profile(), Path("/data"))
        self.assertEqual(name, archive_path(self.profile(), Path("/data")))
        rotated = self.profile(credentials=Credentials((), None, (), "ca.crt"))
        self.assertEqual(name, archive_path(rotated, Path("/data")))
        self.assertRegex(str(name), r"^/data/scrollback/alice@chat\.example-[0-9a-f]{8}\.sqlite$")

    def test_a_name_is_safe_for_a_file(self) -> None:
        name = archive_path(self.profile(account="../é" * 90, server_name="a/b\0"), Path("/data"))
        self.assertEqual(name.parent, Path("/data/scrollback"))
        self.assertRegex(name.name, r"^[\w@.-]+$")
        self.assertTrue(len(os.fsencode(name.name)) < 200)
