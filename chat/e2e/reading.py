"""From a line of the server to what it says: every check that stands in between."""

from __future__ import annotations

from attrs import evolve, frozen

from chat.e2e import olm, passphrase
from chat.e2e.canonical import decode
from chat.e2e.effects import Plain, Reason, Sealed
from chat.e2e.envelope import TAG, Content, read_tag, unpack
from chat.e2e.errors import CipherError, MalformedError
from chat.e2e.peers import Peers
from chat.e2e.places import Places
from chat.e2e.replays import Replays
from chat.e2e.rooms import SHORT, Rooms
from chat.e2e.sharing import Sharing
from chat.e2e.trust import Level
from chat.irc.casemap import ascii_fold
from chat.irc.message import Message


@frozen
class Opened:
    """A decrypted message before it is believed."""

    content: Content
    session: str
    index: int
    via: str = ""
    is_proven: bool = True


class Reader:
    """Decrypts messages of rooms and conversations."""

    def __init__(
        self, peers: Peers, rooms: Rooms, places: Places, replays: Replays, sharing: Sharing
    ) -> None:
        self._peers = peers
        self._rooms = rooms
        self._places = places
        self._replays = replays
        self._sharing = sharing

    def read(self, message: Message, to: str, *, historic: bool) -> Plain | Sealed:
        """Return what a message in the place ``to`` says, or why that is not shown."""
        account = ascii_fold(message.tags.get("account", ""))
        members = self._places.members(to)
        if not account or (to.startswith("pair:") and account not in (members or ())):
            return Sealed(Reason.WRONG_SENDER)
        try:
            session, ciphertext = read_tag(message.tags.get(TAG, ""))
            if len(session) == SHORT:
                opened = self._megolm(account, to, session, ciphertext)
            else:
                opened = self._passphrase(to, session, ciphertext)
        except (MalformedError, CipherError):
            return Sealed(Reason.MALFORMED)
        if isinstance(opened, Sealed):
            return opened
        msgid = message.tags.get("msgid", "")
        reason = self._refusal(opened, account, to, msgid, historic=historic)
        if reason is not None:
            return Sealed(reason)
        return self._believed(opened, to, msgid, historic=historic)

    def _megolm(self, account: str, to: str, session: str, ciphertext: bytes) -> Opened | Sealed:
        known = self._rooms.find(account, session)
        index = olm.message_index(ciphertext)
        reason = Reason.UNKNOWN_SESSION
        for inbound in known:
            if inbound.to != to:
                reason = Reason.WRONG_ROOM
                continue
            if index < inbound.session.first:
                continue
            plaintext, found = inbound.session.decrypt(ciphertext)
            content = unpack(plaintext)
            if content.sender != inbound.device:
                return Sealed(Reason.WRONG_SENDER)
            name = f"{inbound.device} {inbound.session.id}"
            return Opened(content, name, found, inbound.via)
        if not known and self._rooms.owners(session):
            reason = Reason.WRONG_SENDER
        if reason is Reason.UNKNOWN_SESSION:
            self._sharing.want(account, to, session)
        return Sealed(reason)

    def _passphrase(self, to: str, session: str, ciphertext: bytes) -> Opened | Sealed:
        key = self._places.of(to).key
        if not key or passphrase.key_id(decode(key)) != session:
            return Sealed(Reason.UNKNOWN_SESSION)
        found = passphrase.decrypt(decode(key), to, ciphertext)
        content = unpack(found.plaintext)
        if content.sender != found.device:
            return Sealed(Reason.WRONG_SENDER)
        return Opened(content, found.stream, found.counter, is_proven=False)

    def _refusal(
        self, opened: Opened, account: str, to: str, msgid: str, *, historic: bool
    ) -> Reason | None:
        content = opened.content
        if content.to != to:
            return Reason.WRONG_ROOM
        if ascii_fold(content.sender.account) != account:
            return Reason.WRONG_SENDER
        level = self._peers.trust.level(content.sender)
        was_seen = self._replays.is_known(opened.session, opened.index)
        if self._peers.is_revoked(content.sender) and not (historic and was_seen):
            return Reason.REVOKED
        needs_verified = self._places.of(to).needs_verified
        if level is Level.BLOCKED or (needs_verified and level < Level.COSIGNED):
            return Reason.UNVERIFIED_DEVICE
        refusal = self._replays.refusal(opened.session, opened.index, msgid, historic=historic)
        if not refusal and not historic:
            refusal = self._replays.order_refusal(self._stream(opened, to), content.seq)
        return Reason(refusal) if refusal else None

    def _believed(self, opened: Opened, to: str, msgid: str, *, historic: bool) -> Plain:
        content = opened.content
        self._replays.note(opened.session, opened.index, msgid)
        missing = 0
        if not historic:
            missing = self._replays.note_order(self._stream(opened, to), content.seq)
        plain = Plain(
            content.sender, content.kind, content.body, content.ref, content.seq, content.part
        )
        return evolve(plain, missing=missing, via=opened.via, is_proven=opened.is_proven)

    def _stream(self, opened: Opened, to: str) -> str:
        """Return the name of what a sender numbers; a device with new keys begins anew."""
        if not opened.is_proven:
            return f"passphrase {opened.session}"
        known = self._peers.trust.known(opened.content.sender)
        return f"{opened.content.sender} {to} {known.ed25519 if known else ''}"
