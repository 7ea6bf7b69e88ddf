"""Sessions of clients, played from a file: what they send, and what must come back.

Each line of a transcript is about one connection, which it names first:

    phone = alice/phone            connect as this account, with this device's certificate
    phone > CAP LS 302             send; lines of one connection in a row are one write
    phone < 001 alice *            wait for a line like this; others before it are skipped
    phone ! PRIVMSG *              no line like this came since the last that was waited for
    phone -                        hang up without a word

In what is expected, ``*`` stands for anything, ``?name`` is one word that is kept as
``$name``, and a tag that is named must be there: ``@label=1;msgid=?first PRIVMSG #room :hi``.
``:source`` may be left out.  ``$plain_alice`` is what SASL PLAIN sends for her, ``$past``
and ``$now`` are a time long ago and the moment at which the transcript began.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from string import Template

from tests.live.irc import IRC
from tests.support.servers import PASSWORD

_DIRECTORY = Path(__file__).with_name("transcripts")
_LINE = re.compile(r"(\S+) ([=><!-])(?: (.*))?")


class Play:
    """Plays transcripts one after the other; values and connections last from one to the next."""

    def __init__(self, connect: Callable[[str, str], IRC]) -> None:
        self._connect = connect
        self._connections: dict[str, IRC] = {}
        self._values: dict[str, str] = {}

    def play(self, name: str) -> None:
        """Play ``transcripts/NAME.txt``."""
        path = _DIRECTORY / f"{name}.txt"
        self._values["past"] = "2020-01-01T00:00:00.000Z"
        self._values["now"] = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}.000Z"
        waiting: list[str] = []
        lines = path.read_text().splitlines()
        for number, line in enumerate(lines, 1):
            if not line or line.startswith("#"):
                continue
            parsed = _LINE.fullmatch(line)
            assert parsed is not None, f"{path}:{number}: {line}"
            who, action, text = parsed.groups(default="")
            following = lines[number] if number < len(lines) else ""
            if action == ">":
                waiting.append(self._filled(text))
                if not following.startswith(f"{who} > "):
                    self._connections[who].send(*waiting)
                    waiting.clear()
                continue
            try:
                self._step(who, action, text)
            except AssertionError as error:
                raise AssertionError(f"{path}:{number}: {line}\n{error}") from None

    def _step(self, who: str, action: str, text: str) -> None:
        if action == "=":
            account, device = text.split("/")
            self._connections[who] = self._connect(account, device)
            plain = base64.b64encode(f"\0{account}\0{PASSWORD}".encode()).decode()
            self._values[f"plain_{account}"] = plain
        elif action == "-":
            self._connections.pop(who).close()
        elif action == "<":
            found = self._connections[who].find(_matcher(self._filled(text)))
            self._values.update(found)
        else:
            matcher = _matcher(self._filled(text))
            came = [line for line in self._connections[who].rest() if matcher(line) is not None]
            assert not came, f"it came: {came}"

    def _filled(self, text: str) -> str:
        return Template(text).safe_substitute(self._values)


def _matcher(expected: str) -> Callable[[str], dict[str, str] | None]:
    """Return what gives the words that a line has for ``?name``, or ``None`` if it is another."""
    tags, _, rest = expected[1:].partition(" ") if expected[0] == "@" else ("", "", expected)
    wanted = dict(tag.partition("=")[::2] for tag in tags.split(";") if tag)
    body = re.compile(_regex(rest) if rest[0] == ":" else rf"(?::\S+ )?{_regex(rest)}")

    def match(line: str) -> dict[str, str] | None:
        has, _, whole = line[1:].partition(" ") if line[0] == "@" else ("", "", line)
        there = dict(tag.partition("=")[::2] for tag in has.split(";"))
        found = body.fullmatch(whole)
        if found is None:
            return None
        kept = found.groupdict()
        for tag, value in wanted.items():
            matched = re.fullmatch(_regex(value), there[tag]) if tag in there else None
            if matched is None:
                return None
            kept |= matched.groupdict()
        return kept

    return match


def _regex(wild: str) -> str:
    """Return the expression for a text with ``*`` and ``?name``."""
    expression = re.escape(wild).replace(r"\*", ".*")
    # A last parameter of one word needs no colon.
    expression = expression.replace(r"\ :", " :?")
    return re.sub(r"\\\?(\w+)", r"(?P<\1>\\S+)", expression)
