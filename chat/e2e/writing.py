"""From what a person writes to the lines that carry it: the one place that encrypts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from chat.e2e import passphrase
from chat.e2e.canonical import decode
from chat.e2e.effects import Denied, Outcome, Sending, Waiting
from chat.e2e.envelope import PLACEHOLDER, TAG, Content, pack, read_tag, split, to_tag
from chat.e2e.peers import Peers
from chat.e2e.places import Places
from chat.e2e.rooms import Outbound, Rooms
from chat.e2e.sharing import Sharing
from chat.irc.casemap import ascii_fold
from chat.irc.message import Message
from chat.irc.names import looks_like_channel
from chat.pki.authority import Identity

#: How each kind travels: what other clients show as a message, a notice or not at all.
_COMMANDS = {"notice": "NOTICE", "react": "TAGMSG", "unreact": "TAGMSG", "redact": "TAGMSG"}


class Writer:
    """Encrypts messages to rooms and conversations."""

    def __init__(
        self,
        peers: Peers,
        rooms: Rooms,
        places: Places,
        sharing: Sharing,
        clock: Callable[[], datetime],
        random: Callable[[int], bytes],
    ) -> None:
        self._peers = peers
        self._rooms = rooms
        self._places = places
        self._sharing = sharing
        self._clock = clock
        self._random = random
        self._streams: dict[str, passphrase.Stream] = {}

    @property
    def _device(self) -> Identity:
        return self._peers.device

    def forget_passphrase(self, to: str) -> None:
        """Note that a room's passphrase is another one."""
        self._streams.pop(to, None)

    def write(
        self, to: str, target: str, kind: str, body: str, ref: str, wire_target: str
    ) -> Outcome:
        """Return the lines of a message in the place ``to``, or why there are none."""
        place = self._places.of(to)
        texts = split(to, self._device, kind, body, ref)
        if place.key:
            sealed = [
                self._by_passphrase(to, each) for each in self._contents(to, kind, texts, ref)
            ]
        else:
            outbound = self._outbound(to, target)
            if not isinstance(outbound, Outbound):
                return outbound
            contents = self._contents(to, kind, texts, ref)
            short = outbound.short_id
            sealed = [(short, outbound.session.encrypt(pack(each))) for each in contents]
            self._rooms.save(outbound)
        place.is_encrypted = True
        self._places.save(to)
        command = _COMMANDS.get(kind, "PRIVMSG")
        params = (wire_target,) if command == "TAGMSG" else (wire_target, PLACEHOLDER)
        return Sending(
            tuple(Message(command, params, tags={TAG: to_tag(*each)}) for each in sealed)
        )

    def again(self, to: str, target: str, lines: Sequence[Message]) -> Outcome | None:
        """Return the lines, if their session is still the one of the place; else ``None``."""
        session, _ = read_tag(lines[-1].tags[TAG])
        key = self._places.of(to).key
        if key:
            return Sending(tuple(lines)) if session == passphrase.key_id(decode(key)) else None
        outbound = self._outbound(to, target)
        if not isinstance(outbound, Outbound):
            return outbound
        self._rooms.save(outbound)
        return Sending(tuple(lines)) if session == outbound.short_id else None

    def _contents(self, to: str, kind: str, texts: Sequence[str], ref: str) -> list[Content]:
        place = self._places.of(to)
        contents = []
        for number, text in enumerate(texts, 1):
            part = (number, len(texts))
            contents.append(Content(to, self._device, kind, text, ref, place.seq, part))
            place.seq += 1
        return contents

    def _by_passphrase(self, to: str, content: Content) -> tuple[str, bytes]:
        key = decode(self._places.of(to).key)
        stream = self._streams.get(to)
        if stream is None or stream.is_over:
            stream = passphrase.Stream.begin(key, to, self._device, self._random)
            self._streams[to] = stream
        return passphrase.key_id(key), stream.encrypt(pack(content))

    def _outbound(self, to: str, target: str) -> Outbound | Waiting | Denied:
        """Return the session for the next message, its key on the way to all who may read it."""
        now = self._clock()
        accounts = self._places.members(to)
        own = ascii_fold(self._device.account)
        if self._peers.revocations.is_stale(now):
            return Denied("the revocation list is out of date: nobody knows who is revoked")
        if accounts is None or own not in accounts:
            return Denied("who is in the room is not known yet: wait, or join it")
        missing = sorted(each for each in accounts if not self._peers.directory.is_fresh(each, now))
        if missing:
            self._peers.waiting.add(target)
            self._peers.ask(missing, target if looks_like_channel(target) else "")
            return Waiting("devices", ())
        bundles = self._peers.usable(accounts, verified=self._places.of(to).needs_verified)
        others = [each for each in bundles if ascii_fold(each.device.account) != own]
        if to.startswith("pair:") and len(accounts) > 1 and not others:
            return Denied(f"{target} has no device that may read it")
        if self._peers.claim(bundles):
            self._peers.waiting.add(target)
            return Waiting("keys", ())
        outbound = self._rooms.outbound(to)
        allowed = [(str(each.device), each.curve25519) for each in bundles]
        if outbound is None or outbound.is_due(now, allowed):
            outbound = self._rooms.begin(to, accounts, now)
        shares_history = self._places.of(to).shares_history
        self._sharing.share(outbound, bundles, 0 if shares_history else outbound.session.index)
        return outbound
