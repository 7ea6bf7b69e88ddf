"""What a typed line leads to: one frozen class for each thing that is done.

`Local` are those that concern the console only: a front does them.
"""

from __future__ import annotations

from attrs import field, frozen

from chat.irc.message import Message


@frozen
class Send:
    """A message for the server."""

    message: Message


@frozen
class Go:
    """Make a room or a nickname the current one."""

    room: str


@frozen
class Close:
    """Forget the conversation with a person, or a room that we were removed from."""

    nick: str


@frozen
class Show:
    """A line for the person at the keyboard."""

    text: str


@frozen
class Leave:
    """Quit, with a farewell."""

    farewell: str


@frozen
class Search:
    """Look for messages with these words in what the console keeps.

    ``everywhere``: the server looks, in all that it has; a `Send` asks it right after this.
    """

    words: str
    everywhere: bool


@frozen
class Mute:
    """Have a room or person give no notice, or give it again."""

    room: str
    muted: bool


@frozen
class Pin:
    """Have a room or person at the top of the list, or in its place again."""

    room: str
    pinned: bool


@frozen
class Ignore:
    """Show no more what somebody says, or show it again; without a ``nick``, list whom.

    ``account`` is theirs, where it is known.
    """

    nick: str | None
    ignored: bool
    account: str | None = None


@frozen
class Clear:
    """Empty what is shown of a room or person, or of the server (``None``)."""

    room: str | None


@frozen
class Set:
    """Change a setting; without a value show it, without a name show all."""

    name: str | None
    value: str | None


@frozen
class Retry:
    """Send again what failed to be sent to a room or person."""

    room: str


@frozen
class Connect:
    """Connect at once, also after `Disconnect`."""


@frozen
class Disconnect:
    """End the connection, and stay in the console."""


@frozen
class Encrypt:
    """Say what encryption of a room means (``""``), set it (``yes``), or forget it (``off``)."""

    room: str
    answer: str


@frozen
class Compare:
    """Have a person's device, named where there are several, compare pictures."""

    nick: str
    device: str


@frozen
class Answer:
    """Take part in a comparison, say that the pictures are the same; or that not."""

    yes: bool


@frozen
class Inspect:
    """Show whose devices read what is said in a room, or to a person."""

    target: str


@frozen
class SetKey:
    """Give a room a passphrase, a ``new`` one, or take it away (``off``)."""

    room: str
    words: str = field(repr=False)


@frozen
class Trust:
    """Judge a device: ``accept``, ``block`` or ``cosign``."""

    device: str
    judgement: str


@frozen
class TrustRoom:
    """Say whether what we say in a room is for verified devices only."""

    room: str
    verified: bool


Secrecy = Encrypt | Compare | Answer | Inspect | SetKey | Trust | TrustRoom
Local = Search | Mute | Pin | Ignore | Clear | Set | Retry | Connect | Disconnect
Action = Send | Go | Close | Show | Leave | Secrecy | Local
