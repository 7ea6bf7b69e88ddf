"""Commands about encryption: of rooms and conversations, and whose devices are whose."""

from __future__ import annotations

from chat.console.commands.actions import (
    Answer,
    Compare,
    Encrypt,
    Inspect,
    SetKey,
    Trust,
    TrustRoom,
)
from chat.console.commands.command import Actions, Here, Subject, UsageError, parted

ENCRYPTION = Subject("Encryption")

_ANSWERS = {"yes": True, "no": False}
_JUDGEMENTS = ("accept", "block", "cosign")
_DEMANDS = {"verified": True, "any": False}


@ENCRYPTION.command(
    "/encrypt [ROOM] [yes|off]",
    "say what encryption of a room means, set it, or end it",
    words=(("yes", "off"),),
    example="/encrypt #ops yes",
)
def _encrypt(here: Here, rest: str) -> Actions:
    room, answer = here.room_and_rest(rest)
    if answer not in ("", "yes", "off"):
        raise UsageError
    yield Encrypt(room, answer)


@ENCRYPTION.command(
    "/verify NICK [DEVICE]|yes|no",
    "compare pictures with somebody: nobody is in between then",
    least=1,
    words=(("yes", "no"),),
    example="/verify bob",
)
def _verify(here: Here, rest: str) -> Actions:
    who, device = parted(rest)
    if who in _ANSWERS and not device:
        yield Answer(_ANSWERS[who])
    else:
        yield Compare(who, device)


@ENCRYPTION.command("/e2e [ROOM_OR_NICK]", "show whose devices read what is said here")
def _e2e(here: Here, rest: str) -> Actions:
    yield Inspect(rest.split()[0] if rest else here.current())


@ENCRYPTION.command(
    "/key [ROOM] new|off|PASSPHRASE",
    "encrypt a room by words that all agree on",
    least=1,
    words=(("new", "off"),),
    example="/key #ops new",
)
def _key(here: Here, rest: str) -> Actions:
    room, words = here.room_and_rest(rest)
    if not words:
        raise UsageError
    yield SetKey(room, words)


@ENCRYPTION.command(
    "/trust ACCOUNT/DEVICE|ROOM HOW",
    "a device: accept, block or cosign; a room: for verified devices or any",
    least=1,
    example="/trust bob/phone block",
)
def _trust(here: Here, rest: str) -> Actions:
    first, judgement = parted(rest)
    if "/" in first:
        if judgement not in _JUDGEMENTS:
            raise UsageError
        yield Trust(first, judgement)
        return
    room, demand = here.room_and_rest(rest)
    if demand not in _DEMANDS:
        raise UsageError
    yield TrustRoom(room, _DEMANDS[demand])
