"""The two sides between which lines go: what reads and prints, and what that calls."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Protocol

from twisted.internet.defer import Deferred

from chat.client.events import ClientEvent, Said
from chat.client.history import Memory
from chat.console.commands import Here, Local
from chat.console.completion import Completion
from chat.console.lines import Line
from chat.console.view import View


class Input(Protocol):
    """What a front calls, and where it looks up where we are."""

    view: View

    def enter(self, text: str) -> None:
        """Deal with a line that was typed."""

    def end_of_input(self) -> None:
        """Deal with the end of what is typed."""

    def stop(self) -> Deferred[None]:
        """End at once; fires when everything is closed."""

    def fail(self, why: str) -> None:
        """End at once, since the front cannot go on."""

    def connect(self) -> None:
        """Try to connect now, if there is no connection."""

    def disconnect(self) -> None:
        """End the connection, and stay."""

    def earlier(self, room: str, before: Said | None) -> bool:
        """Ask for what was said before a message; return whether that could be asked."""

    def read(self, room: str, time: datetime) -> None:
        """Have other devices know up to when a room is read."""

    def typing(self, room: str, active: bool) -> None:
        """Have others know that somebody types, or does so no more."""

    def unseal(self, said: Said) -> Said:
        """Return a message that was kept as its ciphertext, as far as it can be read."""

    def say_again(self, said: Said) -> None:
        """Say again what was not sent."""

    @property
    def memory(self) -> Memory:
        """What was told so far."""

    def completions(self, before: str) -> Iterator[Completion]:
        """Yield what the text up to the cursor may become."""


class Front(Protocol):
    """What reads and prints.  `attach` comes first, then `read`, once.

    ``interactive``: somebody sees at once what is printed, can type it again, and waits
    for a connection that is not there.
    """

    interactive: bool

    def can_draw(self, picture: list[str]) -> bool:
        """Return whether a picture, by its lines, can be shown."""

    def attach(self, to: Input) -> None:
        """Take note of whom to call."""

    def read(self) -> None:
        """Begin to read."""

    def hold(self, held: bool) -> None:
        """Read no further as long as it is held, where input can wait."""

    def tell(self, event: ClientEvent, now: datetime) -> None:
        """Print what an event tells."""

    def show(self, shown: Iterable[Line]) -> None:
        """Print lines of the program's own."""

    def forget(self, nick: str) -> None:
        """Show no longer the conversation with somebody."""

    def where(self, here: Here) -> Here:
        """Return what else it knows of where a line is typed."""

    def leave(self, farewell: str) -> None:
        """Deal with the wish to leave."""

    def act(self, action: Local) -> None:
        """Do what concerns the console only; raises `CommandError` where it cannot be done."""

    def ask_password(self, account: str) -> Deferred[str | None]:
        """Fire with a password, or with ``None`` where nobody can be asked."""

    def close(self) -> Deferred[None]:
        """End reading and leave the terminal as it was; fires when that is so."""
