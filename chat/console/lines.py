"""Events as lines of text: the one place where text of the server becomes safe to print."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from datetime import datetime
from enum import Enum

from attrs import frozen

from chat.client import events as ev
from chat.client.seals import Seal
from chat.client.secrecy import EncryptionFailed, SecurityNotice, Unsealed
from chat.client.tls import NEW_CERTIFICATE
from chat.e2e import effects as fx
from chat.irc.formatting import PLAIN, Format, parse_formatting, strip_formatting

#: Characters that are shown of a message which something is about.
_EXCERPT = 40


class Look(Enum):
    """What a piece of a line is; a terminal may show each in its own way."""

    TEXT = "text"
    TIME = "time"
    ROOM = "room"
    NICK = "nick"
    #: The name of somebody who speaks to us.
    CALLER = "caller"
    OWN = "own"
    STATUS = "status"
    PICTURE = "picture"
    ERROR = "error"
    #: What a message is about, and what others think of it.
    QUOTE = "quote"
    #: The time of a message that is chosen.
    CHOSEN = "chosen"


@frozen
class Piece:
    """Some text of one look, without control characters or formatting codes.

    ``format`` is what a person gave to it, where it is what a person said.
    """

    look: Look
    text: str
    format: Format = PLAIN
    #: The address on the web that this is, or is a part of.
    link: str = ""
    #: Whether it stands before the text, or around the name of who speaks.
    mark: bool = False

    def saying(self, text: str) -> Piece:
        """Return the like of it with another text."""
        # As `evolve` does, at a fifth of its price: each row that is drawn has some.
        return Piece(self.look, text, self.format, self.link, self.mark)


@frozen
class Line:
    """One line to print, at a time (of day, in the reader's zone).

    What is ``beside`` stands above or below the line whose time it has.  What ``is_clipped``
    has one row, whatever does not fit.
    """

    time: datetime
    pieces: tuple[Piece, ...]
    beside: bool = False
    is_clipped: bool = False

    def plain(self) -> str:
        """Return the line as it prints without colours."""
        return f"{self.time:%H:%M} {''.join(piece.text for piece in self.pieces)}"

    def parts(self) -> tuple[tuple[Piece, ...], tuple[Piece, ...]]:
        """Return what stands before the text (marks, and who speaks), and the text."""
        marks = [at for at, piece in enumerate(self.pieces, 1) if piece.mark]
        text = marks[-1] if marks else 0
        return self.pieces[:text], self.pieces[text:]


def first_line(text: str) -> str:
    """Return the first line of a text, which has several where it ends with an ellipsis."""
    first, *others = text.split("\n", 1)
    return f"{first} …" if others else first


def short(text: str) -> str:
    """Return the beginning of a text, in one line."""
    first = text.partition("\n")[0]
    return first if first == text and len(first) <= _EXCERPT else f"{first[:_EXCERPT]}…"


def colour_of(nick: str, colours: int) -> int:
    """Return which of so many colours is ``nick``'s: always the same one."""
    return zlib.crc32(nick.casefold().encode()) % colours


def status(text: str, now: datetime) -> Line:
    """Return a line of the program's own."""
    return Line(now, _status(strip_formatting(text)))


def error(text: str, now: datetime) -> Line:
    """Return a line that says what did not work."""
    return Line(now, _error(strip_formatting(text)))


def picture(drawn: list[str], now: datetime) -> Iterator[Line]:
    """Yield the lines of a picture of ours."""
    for line in drawn:
        yield Line(now, (Piece(Look.PICTURE, line),))


def made(time: datetime, *pieces: Piece, beside: bool = False, is_clipped: bool = False) -> Line:
    """Return a line of pieces that are safe to print after this."""
    safe = tuple(part for piece in pieces for part in _safe(piece))
    return Line(time, safe, beside, is_clipped)


def speaker(
    sender: str, manner: ev.Manner, *, own: bool, stands_out: bool = False
) -> tuple[Piece, ...]:
    """Return what stands before a text that somebody says."""
    nick = Piece(Look.OWN if own else Look.CALLER if stands_out else Look.NICK, sender)
    if manner is ev.Manner.ACTION:
        return Piece(Look.STATUS, "* ", mark=True), nick, Piece(Look.TEXT, " ")
    before, after = _AROUND[manner]
    return Piece(Look.STATUS, before, mark=True), nick, Piece(Look.STATUS, after, mark=True)


def lines_of(event: ev.ClientEvent, now: datetime) -> Iterator[Line]:
    """Yield the lines that tell an event: none for what a person need not know.

    ``now`` has a time zone: times of the server are shown in it.
    """
    time: datetime | None = getattr(event, "time", None)
    shown = time.astimezone(now.tzinfo) if time is not None else now
    for pieces in _tell(event, now):
        yield made(shown, *pieces)


_AROUND = {ev.Manner.MESSAGE: ("<", "> "), ev.Manner.NOTICE: ("-", "- ")}

_LINK = re.compile(r"https?://[^\s<>\".,;:!?')\]}][^\s<>\"]*")
#: What ends the sentence around an address, or a bracket that stands around it.
_ENDS = frozenset(".,;:!?'")
_BRACKETS = {")": "(", "]": "[", "}": "{"}


def _safe(piece: Piece) -> Iterator[Piece]:
    if piece.look is Look.TEXT:
        for form, text in parse_formatting(piece.text):
            start = 0
            for found in _LINK.finditer(text):
                if found.start() > start:
                    yield Piece(piece.look, text[start : found.start()], form)
                link = _trimmed(found[0])
                yield Piece(piece.look, link, form, link)
                start = found.start() + len(link)
            if start < len(text):
                yield Piece(piece.look, text[start:], form)
    else:
        text = strip_formatting(piece.text)
        yield piece if text == piece.text else piece.saying(text)


def _trimmed(link: str) -> str:
    """Return an address without what ends the sentence, or the bracket, in which it stands."""
    while link[-1] in _ENDS or link.count(_BRACKETS.get(link[-1], "")) < link.count(link[-1]):
        link = link[:-1]
    return link


def _tell(event: ev.ClientEvent, now: datetime) -> Iterator[tuple[Piece, ...]]:
    match event:
        case ev.Said(room, sender, text, manner, own):
            who = speaker(sender, manner, own=own)
            for line in text.split("\n"):
                yield _room(room), *who, *lock(event.seal), Piece(Look.TEXT, line)
        case SecurityNotice(effect):
            yield from _noticed(effect)
        case EncryptionFailed(reason):
            yield _error(f"nothing is encrypted or decrypted any more: {reason}")
        case Unsealed(message):
            yield from _tell(message, now)
        case ev.Reacted(room, nick, reaction, _, removed, _, _, text):
            what = f"takes back {reaction} from" if removed else "reacts to"
            about = f'"{short(text)}"' if text else "a message"
            behind = "" if removed else f": {reaction}"
            yield _room(room), *_status(f"{nick} {what} {about}{behind}")
        case ev.Redacted(room, _, _, reason, _, sender):
            whose = f"{sender}'s message" if sender else "a message"
            yield _room(room), *_status(f"{whose} was removed{': ' if reason else ''}{reason}")
        case ev.AwayChanged(_, away, own) if own:
            yield _status("you are away now" if away else "you are no longer away")
        case ev.AccountChanged(nick, account):
            yield _status(f"{nick} is {f'logged in as {account}' if account else 'logged out'}")
        case ev.RealnameChanged(nick, realname):
            yield _status(f"{nick} is called {realname}")
        case ev.Gap(room):
            yield _room(room), *_status("more was said here than is shown")
        case ev.Found(messages):
            if not messages:
                yield _status("nothing was found")
            for said in messages:
                when = f"{said.time.astimezone(now.tzinfo):%Y-%m-%d %H:%M}" if said.time else ""
                yield _room(said.room), *_status(f"{when} {said.sender}: {short(said.text)}")
        case ev.JoinedRoom(room, nick):
            yield _room(room), *_status(f"{nick} has joined")
        case ev.LeftRoom(room, _, True, reason, str(by)):
            text = f"you were removed by {by}{_because(reason)}: /join {room} goes back"
            yield _room(room), *_status(text)
        case ev.LeftRoom(room, nick, _, reason, kicked_by):
            what = f"was removed by {kicked_by}" if kicked_by else "has left"
            yield _room(room), *_status(f"{nick} {what}{_because(reason)}")
        case ev.LeftNetwork(nick, rooms, reason):
            yield _room(",".join(rooms)), *_status(f"{nick} has quit{_because(reason)}")
        case ev.Renamed(old, new):
            yield _status(f"{old} is now {new}")
        case ev.TopicIs(room, topic, by):
            what = f"{by} changed the topic to: {topic}" if by else f"the topic is: {topic}"
            yield _room(room), *_status(what if topic else "there is no topic")
        case ev.Names(room, names):
            yield _room(room), *_status(f"here are {' '.join(names)}")
        case ev.ModesChanged(target, by, changes):
            yield _room(target), *_status(f"{by} set modes {changes}")
        case ev.Invited(room, nick, by):
            yield _room(room), *_status(f"{by} invited {nick}" if by else f"{nick} is invited")
        case ev.WhoisLine(nick, text) | ev.WhoLine(nick, text):
            yield _status(f"{nick} {text}")
        case ev.RoomListed(room, members, topic):
            yield _room(room), *_status(f"{members} there: {topic}")
        case ev.ServerNotice(text):
            yield _status(text)
        case ev.Refused(_, context, text):
            about = f"{' '.join(context)}: " if context else ""
            yield _error(f"{about}{text}")
        case ev.Waiting(_, room, text, _, True):
            yield _room(room), *_status(f"waits for the connection: {short(text)}")
        case ev.NotSent(_, room, text, reason):
            for line in text.split("\n"):
                yield _room(room), *_error(f"not sent: {line} ({reason})")
        case ev.SentAgain(messages):
            yield _status(f"{messages} messages were not answered: they are sent again")
        case ev.MayBeLost(lost):
            yield _error(f"The last {lost} lines may not have arrived")
        case ev.Secured():
            yield from _secured(event, now)
        case ev.Registered(nick, account):
            login = f", logged in as {account}" if account else ", not logged in"
            yield _status(f"welcome: you are {nick}{login}")
        case ev.DeviceInvited(device, code, text):
            yield *_status(f"the code for {device}: "), Piece(Look.TEXT, code)
            yield _status(text)
        case ev.CertificateRenewed(expires):
            yield _status(f"your certificate is renewed until {expires:%Y-%m-%d}")
        case ev.CertificateEnds(expires, why):
            text = f"your certificate ends on {expires:%Y-%m-%d %H:%M} UTC, and was not renewed"
            yield _error(f"{text} ({why}): {NEW_CERTIFICATE}")
        case ev.Disconnected(reason):
            yield _error(f"disconnected: {reason}")
        case ev.Retrying(seconds):
            yield _status(f"trying again in {seconds:.0f} s")


def lock(seal: Seal | None) -> tuple[Piece, ...]:
    """Return the mark of how a message is protected: a lock, a key for a passphrase, a cross."""
    if seal is None:
        return ()
    if seal.reason:
        return (Piece(Look.ERROR, "🔒✗ "),)
    if not seal.is_proven:
        return (Piece(Look.STATUS, "🔑 "),)
    return (Piece(Look.STATUS, "🔒✓ " if seal.is_verified else "🔒 "),)


def _noticed(effect: fx.Effect) -> Iterator[tuple[Piece, ...]]:
    match effect:
        case fx.NewDevice(device, own):
            whose = "your account has a new device" if own else f"{device.account} has a new device"
            remedy = (
                f"if it is not yours, /revoke {device.device}; if it is, /trust {device} cosign"
                if own
                else f"/verify {device.account} {device.device} makes sure"
            )
            yield _error(f"{whose}, which reads what is encrypted from now on: {device}: {remedy}")
        case fx.KeysChanged(device, blocked):
            then = (
                f"it was verified and gets nothing now: /verify again, or /trust {device} accept"
                if blocked
                else f"/verify {device.account} {device.device} makes sure"
            )
            yield _error(f"the keys of {device} have changed: {then}")
        case fx.DevicesGone(account, devices):
            yield _status(f"{account} has no longer: {' '.join(devices)}")
        case fx.AttackRefused(about, reason):
            yield _error(f"REFUSED, of {about}: {reason}")
        case fx.ModeDropped(room):
            text = f"the server says that {room} is not encrypted any more: it stays so here"
            yield _room(room), *_error(f"{text}, and nothing goes there in plain text")
        case fx.Undelivered(device, reason):
            yield _status(f"{device} does not get the key for now: {reason}")
        case fx.VerificationAsked(_, device):
            yield _error(f"{device} wants to compare pictures with you: /verify yes, or /verify no")
        case fx.Compare(_, device, emojis):
            shown = "  ".join(f"{picture} {name}" for name, picture in emojis)
            yield _error(f"compare with {device}, by voice or in person:")
            yield Piece(Look.STATUS, "-- ", mark=True), Piece(Look.PICTURE, shown)
            yield _status("the same on both sides: /verify yes; else: /verify no")
        case fx.Verified(device):
            yield _status(f"{device} is verified: 🔒✓")
        case fx.VerificationFailed(_, device, reason):
            yield _error(f"{device} is not verified: {reason}")


def _secured(event: ev.Secured, now: datetime) -> Iterator[tuple[Piece, ...]]:
    yield _status(
        f"connected to {event.address}: {event.server_name}, {event.version}, {event.cipher}"
    )
    yield _status(f"the server's certificate is valid for {_days(event.server_expires, now)}")
    if event.own_expires is not None:
        yield _status(f"your certificate is valid for {_days(event.own_expires, now)}")
    else:
        yield _status("you presented no certificate")


def _room(name: str) -> Piece:
    return Piece(Look.ROOM, f"{name} ")


def _status(text: str) -> tuple[Piece, ...]:
    return Piece(Look.STATUS, "-- ", mark=True), Piece(Look.STATUS, text)


def _error(text: str) -> tuple[Piece, ...]:
    return Piece(Look.ERROR, "!! ", mark=True), Piece(Look.ERROR, text)


def _because(reason: str) -> str:
    return f" ({reason})" if reason else ""


def _days(end: datetime, now: datetime) -> str:
    return f"{max(0, (end - now).days)} more days (until {end:%Y-%m-%d})"
