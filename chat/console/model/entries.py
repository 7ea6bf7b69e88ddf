"""What a scrollback is made of: messages, which others may answer and take back, and notes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from enum import Enum, auto
from typing import Protocol

from attrs import define, field, frozen

from chat.client.events import Reacted, Redacted, Said
from chat.console.lines import Line, Look, Piece, lock, made, short, speaker
from chat.irc.casemap import ascii_fold

#: Different reactions that one message shows, and people with each; more are counted only.
MOST_REACTIONS = 50
_MOST_NAMES = 5
#: Characters of one reaction.
_LONGEST_REACTION = 20


class Entry(Protocol):
    """One thing of a scrollback."""

    @property
    def time(self) -> datetime:
        """When it was, in the reader's zone."""

    def lines(self) -> Iterable[Line]:
        """Return how it reads now: one line at the least."""


@frozen
class Note:
    """What is told once, and does not change."""

    line: Line

    @property
    def time(self) -> datetime:
        """When it was told."""
        return self.line.time

    def lines(self) -> Iterable[Line]:
        """Return the line."""
        return (self.line,)


class State(Enum):
    """What became of a message."""

    SENT = auto()
    #: The server has not answered yet.
    SENDING = auto()
    #: There is no connection to send it over.
    WAITING = auto()
    FAILED = auto()


@define(eq=False)
class Message:
    """What somebody said, and what came of it.

    ``known`` are the messages of the room by msgid: what this one answers may be there.
    """

    said: Said
    time: datetime
    known: Mapping[str, Message]
    state: State = State.SENT
    #: Why it failed.
    reason: str = ""
    #: Whether it speaks to us.
    is_for_us: bool = False
    redacted: Redacted | None = None
    #: Whether it came without encryption where everything is encrypted.
    is_bare: bool = False
    #: By reaction, who reacted so.
    reactions: dict[str, list[str]] = field(factory=dict)

    def react(self, reacted: Reacted) -> None:
        """Take note of a reaction, or of one that is taken back."""
        nicks = self.reactions.get(reacted.reaction, [])
        if reacted.removed:
            if reacted.nick in nicks:
                nicks.remove(reacted.nick)
                if not nicks:
                    del self.reactions[reacted.reaction]
        elif reacted.nick not in nicks and (nicks or len(self.reactions) < MOST_REACTIONS):
            self.reactions[reacted.reaction] = [*nicks, reacted.nick]

    def lines(self) -> Iterator[Line]:
        """Yield what it answers, its text, the reactions."""
        said = self.said
        if said.reply_to and self.redacted is None:
            quote = Piece(Look.QUOTE, f"╭ {self._answers()}")
            yield made(self.time, quote, beside=True, is_clipped=True)
        who = speaker(said.sender, said.manner, own=said.own, stands_out=self.is_for_us)
        first, *others = self._text()
        yield made(self.time, *who, *lock(said.seal), *first)
        for line in others:
            yield made(self.time, *line, beside=True)
        if self.reactions:
            yield made(self.time, Piece(Look.QUOTE, "  ".join(self._reactions())), beside=True)

    def _answers(self) -> str:
        parent = self.known.get(self.said.reply_to)
        if parent is None:
            return "an earlier message"
        text = "a removed message" if parent.redacted else short(parent.said.text)
        return f"{parent.said.sender}: {text}"

    def _text(self) -> list[tuple[Piece, ...]]:
        if self.redacted is not None:
            by = f" by {self.redacted.by}" if self.redacted.by else ""
            reason = f": {self.redacted.reason}" if self.redacted.reason else ""
            return [(Piece(Look.STATUS, f"[removed{by}{reason}]"),)]
        if self.said.seal is not None and self.said.seal.reason:
            return [(Piece(Look.ERROR, self.said.text),)]
        lines = [(Piece(Look.TEXT, line),) for line in self.said.text.split("\n")]
        return [*lines[:-1], (*lines[-1], *self._fate())]

    def _fate(self) -> Iterator[Piece]:
        seal = self.said.seal
        account = seal.device.partition("/")[0] if seal is not None else ""
        if account and ascii_fold(account) != ascii_fold(self.said.sender):
            yield Piece(Look.ERROR, f" (written by {account})")
        if seal is not None and seal.missing:
            yield Piece(Look.ERROR, f" ({seal.missing} before it have not come)")
        if seal is not None and seal.via:
            yield Piece(Look.STATUS, f" (its key is from {seal.via})")
        if self.is_bare:
            yield Piece(Look.ERROR, " (NOT encrypted)")
        if self.state is State.SENDING:
            yield Piece(Look.STATUS, " …")
        elif self.state is State.WAITING:
            yield Piece(Look.STATUS, " (waits for the connection)")
        elif self.state is State.FAILED:
            yield Piece(Look.ERROR, f" (not sent: {self.reason}: /retry sends it again)")

    def _reactions(self) -> Iterator[str]:
        for reaction, nicks in self.reactions.items():
            names = ", ".join(nicks[:_MOST_NAMES])
            more = f" and {len(nicks) - _MOST_NAMES} more" if len(nicks) > _MOST_NAMES else ""
            yield f"{reaction[:_LONGEST_REACTION]} {names}{more}"
