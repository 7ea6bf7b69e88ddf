"""Encrypted messages that come: what they say, or why that is not shown.

What cannot be read for want of a key is remembered, and told again once the key is there.
No clock, no input, no output.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from attrs import evolve, frozen

from chat.client.events import ClientEvent, Manner, Reacted, Said
from chat.client.seals import Seal
from chat.client.secrecy import Unsealed
from chat.e2e.effects import AttackRefused, Effect, Plain, Reason, Sealed
from chat.e2e.envelope import PLACEHOLDER, TAG
from chat.irc.message import Message

if TYPE_CHECKING:
    from chat.e2e.engine import Engine

#: Messages without a key, and redactions whose reason came before them, that are remembered.
MOST_UNREAD = 2_000
MOST_REASONS = 100

#: Why a message is not shown, in words.
WORDS: Mapping[Reason, str] = {
    Reason.REPLAYED: "it came before: somebody repeats it",
    Reason.WRONG_ROOM: "it was encrypted for another room",
    Reason.WRONG_SENDER: "it is not of the sender that the server names",
    Reason.UNKNOWN_SESSION: "this device has no key for it",
    Reason.UNVERIFIED_DEVICE: "its device is blocked, or has to be verified: /verify",
    Reason.MALFORMED: "it is damaged",
    Reason.TOO_OLD: "it comes too late",
    Reason.REVOKED: "its device is revoked",
}
#: What no honest server passes on live.
_ATTACKS = frozenset({Reason.REPLAYED, Reason.WRONG_ROOM, Reason.WRONG_SENDER, Reason.MALFORMED})
_MANNERS = {"message": Manner.MESSAGE, "action": Manner.ACTION, "notice": Manner.NOTICE}

#: What happened, or is to be done, in order.
Opened = Iterator[ClientEvent | Effect]


@frozen
class Wrapped:
    """An encrypted line: ``said`` is what can be told of it without its key.

    ``peer`` is the account of the other side, where it is our own to a person.
    """

    message: Message
    said: Said
    peer: str
    is_past: bool


class Unsealing:
    """Decrypts what comes, over all connections of a client."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        #: By the message's id, or the ciphertext where there is none.
        self._unread: OrderedDict[str, Wrapped] = OrderedDict()
        self._reasons: OrderedDict[tuple[str, str], tuple[str, Seal]] = OrderedDict()

    def open(self, wrapped: Wrapped) -> Opened:
        """Yield what a line says, and what follows from it."""
        found = self._decrypt(wrapped)
        if isinstance(found, Plain):
            yield from self._tell(wrapped, found)
            return
        yield from found.effects
        if found.reason is Reason.UNKNOWN_SESSION:
            self._remember(wrapped)
        if found.reason in _ATTACKS and not wrapped.is_past:
            about = f"{wrapped.said.room}, from {wrapped.said.sender}"
            yield AttackRefused(about, f"a message was refused: {WORDS[found.reason]}")
        if wrapped.message.command != "TAGMSG":
            yield closed(wrapped.said, WORDS[found.reason], ciphertext_of(wrapped.message))

    def read_again(self, account: str = "") -> Opened:
        """Yield what can be read by now of what could not, of one account or of all."""
        for name, wrapped in list(self._unread.items()):
            if account and (wrapped.said.account or "").casefold() != account.casefold():
                continue
            found = self._decrypt(wrapped)
            if isinstance(found, Sealed):
                yield from found.effects
                if found.reason is Reason.UNKNOWN_SESSION:
                    continue
            del self._unread[name]
            if isinstance(found, Plain):
                for event in self._tell(wrapped, found):
                    yield Unsealed(event) if isinstance(event, Said | Reacted) else event
            elif wrapped.message.command != "TAGMSG":
                tag = ciphertext_of(wrapped.message)
                yield Unsealed(closed(wrapped.said, WORDS[found.reason], tag))

    def reason(self, msgid: str, account: str) -> tuple[str, Seal | None]:
        """Return why an account took a message back, as it said encrypted."""
        return self._reasons.pop((msgid, account.casefold()), ("", None))

    def _decrypt(self, wrapped: Wrapped) -> Plain | Sealed:
        return self._engine.decrypt(wrapped.message, peer=wrapped.peer, historic=wrapped.is_past)

    def _tell(self, wrapped: Wrapped, plain: Plain) -> Iterator[ClientEvent]:
        said = wrapped.said
        seal = Seal(
            str(plain.sender),
            self._engine.is_verified(plain.sender),
            plain.missing,
            plain.via,
            plain.is_proven,
            ciphertext=ciphertext_of(wrapped.message),
        )
        match plain.kind:
            case "react" | "unreact":
                removed = plain.kind == "unreact"
                yield Reacted(
                    said.room,
                    said.sender,
                    plain.body,
                    plain.ref,
                    removed,
                    said.own,
                    said.time,
                    seal=seal,
                )
            case "redact":
                self._reasons[plain.ref, plain.sender.account.casefold()] = (plain.body, seal)
                if len(self._reasons) > MOST_REASONS:
                    self._reasons.popitem(last=False)
            case kind:
                yield evolve(
                    said, text=plain.body, manner=_MANNERS[kind], reply_to=plain.ref, seal=seal
                )

    def _remember(self, wrapped: Wrapped) -> None:
        name = wrapped.said.msgid or ciphertext_of(wrapped.message)
        self._unread[name] = wrapped
        if len(self._unread) > MOST_UNREAD:
            self._unread.popitem(last=False)


def closed(said: Said, reason: str, ciphertext: str) -> Said:
    """Return a message that is not shown, for a reason."""
    seal = Seal(reason=reason, ciphertext=ciphertext)
    return evolve(said, text=f"[encrypted: {reason}]", seal=seal, reply_to="")


def ciphertext_of(message: Message) -> str:
    """Return the ciphertext of a line, ``""`` where it has none."""
    return message.tags.get(TAG, "")


def line_of(said: Said, *, is_room: bool) -> Message:
    """Return the line of the server that a message came in, as far as it was kept."""
    target = said.room if is_room or said.own else said.account or ""
    tags = {"account": said.account or ""}
    if said.seal is not None:
        tags[TAG] = said.seal.ciphertext
    if said.msgid:
        tags["msgid"] = said.msgid
    return Message("PRIVMSG", (target, PLACEHOLDER), said.sender, tags)
