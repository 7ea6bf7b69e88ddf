"""What a command is: a row of the table, the place where it is typed, and its refusals."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import Enum, auto

from attrs import field, frozen

from chat.client.events import Manner, Said
from chat.client.isupport import Isupport
from chat.client.text import Multiline, compose
from chat.console.commands.actions import Action, Send

Actions = Iterator[Action]


class CommandError(Exception):
    """What was typed cannot be done; the text says why, and what to type."""


class UsageError(Exception):
    """What was typed is not how the command is used."""


def parted(rest: str) -> tuple[str, str]:
    """Return the first word, and what follows it: ``""`` where there is nothing."""
    first, *others = rest.split(maxsplit=1) or ("",)
    return first, others[0] if others else ""


@frozen
class Here:
    """Where something is typed: the current room (or nickname), if any, and the server's rules."""

    room: str | None
    isupport: Isupport
    #: Bytes of our ``nick!user@host``.
    source_length: int
    several: Multiline | None = None
    #: The message that is selected in the scrollback.
    chosen: Said | None = None
    #: The latest message of somebody else in the current room, and our own.
    latest: Said | None = None
    latest_own: Said | None = None
    #: Whether something failed to be sent to the current room.
    failed: bool = False
    #: The account behind a nickname, where it is known.
    account_of: Callable[[str], str | None] = lambda nick: None
    #: Whether somebody has removed us from a room.
    was_removed: Callable[[str], bool] = lambda room: False

    def current(self) -> str:
        """Return the current room or nickname; raises `CommandError` where there is none."""
        if self.room is None:
            raise CommandError("You are in no room: /join #room, or /query NICK")
        return self.room

    def room_and_rest(self, rest: str) -> tuple[str, str]:
        """Part an optional room from what follows it; without one it is the current room."""
        first, others = parted(rest)
        if self.isupport.is_channel(first):
            return first, others
        room = self.current()
        if not self.isupport.is_channel(room):
            raise CommandError(f"{room} is not a room: name one")
        return room, rest

    def say(self, manner: Manner, target: str, text: str) -> Iterator[Send]:
        """Yield the messages that say something to a room or a nickname."""
        return map(Send, compose(manner, target, text, self.source_length, self.several))


class Words(Enum):
    """Words that a command may have at some place, and that are known only elsewhere."""

    COMMANDS = auto()
    SETTINGS = auto()
    #: Values of the setting that is the word before.
    VALUES = auto()
    #: Names of emoji, also without a colon.
    EMOJI = auto()


@frozen
class Command:
    """One row of the table; ``least`` is how many words it needs.

    ``words`` are those that its first, second ... word can be, where that is known.
    """

    usage: str
    help: str
    run: Callable[[Here, str], Actions]
    least: int = 0
    aliases: tuple[str, ...] = ()
    words: tuple[Words | tuple[str, ...], ...] = ()
    example: str = ""

    @property
    def name(self) -> str:
        """What follows the slash."""
        return self.usage.split()[0].removeprefix("/")


@frozen
class Subject:
    """A part of the table: commands that have to do with the same thing."""

    title: str
    commands: list[Command] = field(factory=list)

    def command(
        self,
        usage: str,
        help: str,  # noqa: A002
        *aliases: str,
        least: int = 0,
        words: tuple[Words | tuple[str, ...], ...] = (),
        example: str = "",
    ) -> Callable[[Callable[[Here, str], Actions]], Callable[[Here, str], Actions]]:
        """Return what adds a function to the table, as `Command` says."""

        def add(run: Callable[[Here, str], Actions]) -> Callable[[Here, str], Actions]:
            self.commands.append(Command(usage, help, run, least, aliases, words, example))
            return run

        return add
