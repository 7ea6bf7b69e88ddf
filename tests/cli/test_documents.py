"""The commands in the documents exist, with the options that stand there."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
from twisted.trial.unittest import TestCase

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

    def _parse(self, words: list[str]) -> None:
        command: click.Command = main
        context = click.Context(main)
        while isinstance(command, click.Group):
            found = command.get_command(context, words[0])
            assert found is not None, words[0]
            command, words = found, words[1:]
        command.make_context(command.name, words, parent=context).close()
