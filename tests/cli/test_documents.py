"""The commands in the documents exist, with the options that stand there."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click
from twisted.trial.unittest import SkipTest, TestCase

from chat.cli.main import main
from tests.cli.programs import ROOT


def commands(page: Path) -> Iterator[str]:
    """Return the commands of indented blocks, those over several lines as one."""
    text = page.read_text().replace("\\\n", " ")
    for match in re.finditer(r"(?m)^    securechat (.+)$", text):
        yield match[1].partition("  #")[0].partition(" < ")[0]


class DocumentTests(TestCase):
    def setUp(self) -> None:
        # Whether its files are there, a document does not say.
        self.patch(click.Path, "convert", lambda _, value, __, ___: Path(value))

    def test_commands(self) -> None:
        pages = [ROOT / "README.md", ROOT / "keys" / "README.md", *(ROOT / "docs").glob("*.md")]
        count = 0
        for page in pages:
            for line in commands(page):
                try:
                    self._parse(shlex.split(line))
                except click.UsageError as error:
                    self.fail(f"{page.name}: securechat {line}: {error.format_message()}")
                count += 1
        self.assertGreater(count, 30)

    def test_units(self) -> None:
        """What the timer runs is a command; systemd itself finds nothing wrong, where it is."""
        units = ROOT / "share" / "systemd"
        service = (units / "securechat-renew@.service").read_text()
        line = re.search(r"(?m)^ExecStart=/usr/bin/env securechat (.+)$", service)
        assert line is not None
        self._parse(shlex.split(line[1]))
        program = shutil.which("systemd-analyze")
        if program is None:
            raise SkipTest("there is no systemd-analyze here")
        runtime = Path(self.mktemp()).absolute()
        runtime.mkdir()
        done = subprocess.run(
            [program, "--user", "verify", units / "securechat-renew@x.timer"],
            env={"XDG_RUNTIME_DIR": str(runtime), "HOME": "/"},
            capture_output=True,
            text=True,
            check=False,
        )
        # It speaks of the other units of this computer too.
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("securechat", done.stderr)

    def _parse(self, words: list[str]) -> None:
        if words[0].startswith("-"):
            words = ["connect", *words]  # as the program itself does
        command: click.Command = main
        context = click.Context(main)
        while isinstance(command, click.Group):
            found = command.get_command(context, words[0])
            assert found is not None, words[0]
            command, words = found, words[1:]
        command.make_context(command.name, words, parent=context).close()
