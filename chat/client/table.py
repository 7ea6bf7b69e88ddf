"""The table of what deals with each command of the server, and what its rows share."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from chat.client.registration import Effects
from chat.irc.message import Message

if TYPE_CHECKING:
    from chat.client.state import ClientState

Handler = Callable[["ClientState", Message], Effects]


class Table(dict[str, tuple[int, Handler]]):
    """By command: how many parameters it has at least, and what deals with it."""

    def on(self, command: str, parameters: int = 1) -> Callable[[Handler], Handler]:
        """Return what registers a handler."""

        def register(handler: Handler) -> Handler:
            self[command] = (parameters, handler)
            return handler

        return register


def account_of(word: str) -> str | None:
    """Return the account that a word names, ``None`` for none."""
    return None if word in ("", "*", "0") else word


def sender_of(message: Message) -> str:
    """Return the nickname, or server, that a message is from."""
    return (message.source or "").partition("!")[0]


def time_of(message: Message) -> datetime | None:
    """Return the server-time of a message."""
    return moment_of(message.tags.get("time", ""))


def moment_of(word: str) -> datetime | None:
    """Return a time with its zone; ``None`` for what is none, or beyond all reason."""
    try:
        moment = datetime.fromisoformat(word)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None and 1970 <= moment.year < 9999 else None
