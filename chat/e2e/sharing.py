"""Who is given the keys of rooms, and who gave them.

A key goes to the devices that are to read the next message, from that message on.  Who lost
one asks the device that made it, or another device of the own account; the maker gives it
again to whom it was given, from the same message on, and otherwise only to a verified device
of an account that was there when the session began.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from chat.e2e.bundle import Bundle
from chat.e2e.canonical import number_of, text_of
from chat.e2e.effects import Effect, Readable
from chat.e2e.envelope import identity
from chat.e2e.errors import MalformedError
from chat.e2e.olm import Inbound as Session
from chat.e2e.peers import Peers
from chat.e2e.places import is_party
from chat.e2e.rooms import SHORT, Inbound, Outbound, Rooms, Share
from chat.e2e.trust import Level
from chat.irc.casemap import ascii_fold

#: Sessions whose keys are asked for at a time.
MOST_WANTED = 100
#: Requests of others that are answered on one connection.
MOST_ANSWERED = 1000

#: Account, place and the tag's session.
Want = tuple[str, str, str]


class Sharing:
    """The keys of rooms, given and taken."""

    def __init__(self, peers: Peers, rooms: Rooms, out: list[Effect]) -> None:
        self._peers = peers
        self._rooms = rooms
        self._out = out
        #: Which devices were asked for what, on this connection.
        self._wanted: dict[Want, set[str]] = {}
        self._answered: set[tuple[str, str]] = set()

    def reset(self) -> None:
        """Forget what was asked on an earlier connection."""
        self._wanted.clear()
        self._answered.clear()

    def share(self, outbound: Outbound, bundles: Iterable[Bundle], index: int) -> None:
        """Give the key, from ``index`` on, to those of the devices that do not have it."""
        changed = False
        for bundle in bundles:
            if str(bundle.device) not in outbound.shared:
                outbound.shared[str(bundle.device)] = Share(bundle.curve25519, index)
                self._give(bundle, outbound.to, outbound.session.id, index)
                changed = True
        if changed:
            self._rooms.note_shares(outbound)

    def want(self, account: str, to: str, session: str) -> None:
        """Ask for a key, of the account whose message it decrypts and of the own other devices."""
        want = (ascii_fold(account), to, session)
        if want not in self._wanted and len(self._wanted) < MOST_WANTED and session:
            self._wanted[want] = set()
            if self._peers.directory.of(account).answered is None:
                self._peers.ask([account])
            self._pursue(want)

    def pursue(self, account: str) -> None:
        """Ask the devices of an account that came anew."""
        for want in list(self._wanted):
            if account in (want[0], ascii_fold(self._peers.device.account)):
                self._pursue(want)

    def _pursue(self, want: Want) -> None:
        own = ascii_fold(self._peers.device.account)
        asked = self._wanted[want]
        holders = [*self._peers.usable([want[0]])]
        if want[0] != own:
            holders += self._peers.usable([own], verified=True)
        for bundle in holders:
            if str(bundle.device) not in asked:
                asked.add(str(bundle.device))
                request = {"type": "key_request", "to_place": want[1], "session": want[2]}
                self._peers.send(bundle, request)

    # What other devices say.

    def key_came(self, bundle: Bundle, content: dict[str, Any]) -> None:
        """Take a key that a device made."""
        self._take(Inbound(bundle.device, *self._session(content)))

    def forwarded(self, bundle: Bundle, content: dict[str, Any]) -> None:
        """Take a key that was asked for, from a trusted device of the own account."""
        sender = identity(text_of(content, "sender"))
        to, session = self._session(content)
        asked = self._wanted.get((ascii_fold(sender.account), to, session.id[:SHORT]), set())
        is_own = ascii_fold(bundle.device.account) == ascii_fold(self._peers.device.account)
        trusted = self._peers.trust.level(bundle.device) >= Level.COSIGNED
        if str(bundle.device) not in asked or not is_own or not trusted:
            raise MalformedError("it passes on a key that it was not asked for")
        self._take(Inbound(sender, to, session, str(bundle.device)))

    def requested(self, bundle: Bundle, content: dict[str, Any]) -> None:
        """Give a key to a device that asks for it, if it may have it; else say nothing."""
        to, short = text_of(content, "to_place"), text_of(content, "session")
        name = str(bundle.device)
        if (name, short) in self._answered or len(self._answered) >= MOST_ANSWERED:
            return
        self._answered.add((name, short))
        own = ascii_fold(self._peers.device.account)
        for inbound in self._rooms.find(own, short):
            index = self._allowed(bundle, inbound) if inbound.to == to else None
            if index is not None:
                self._give(bundle, to, inbound.session.id, index)
        if ascii_fold(bundle.device.account) == own and self._is_trusted(bundle):
            self._pass_on(bundle, to, short)

    def _allowed(self, bundle: Bundle, inbound: Inbound) -> int | None:
        """Return from which index on a device may have a session made here."""
        noted = self._rooms.shares(inbound.session.id)
        if inbound.device != self._peers.device or noted is None:
            return None
        _, shared, members = noted
        had = shared.get(str(bundle.device))
        if had is not None and had.curve25519 == bundle.curve25519:
            return had.index
        was_there = ascii_fold(bundle.device.account) in members
        return inbound.session.first if was_there and self._is_trusted(bundle) else None

    def _pass_on(self, bundle: Bundle, to: str, short: str) -> None:
        holders = self._rooms.owners(short)
        for other in [each for account in holders for each in self._rooms.find(account, short)]:
            if other.to == to and other.device != self._peers.device:
                content = {
                    "type": "forwarded_key",
                    "to_place": to,
                    "session": other.session.id,
                    "key": other.session.exported(other.session.first),
                    "index": other.session.first,
                    "sender": str(other.device),
                }
                self._peers.send(bundle, content)

    def _is_trusted(self, bundle: Bundle) -> bool:
        return self._peers.trust.level(bundle.device) >= Level.COSIGNED

    def _give(self, bundle: Bundle, to: str, session: str, index: int) -> None:
        own = ascii_fold(self._peers.device.account)
        for inbound in self._rooms.find(own, session[:SHORT]):
            key = inbound.session.exported(index)
            if inbound.device == self._peers.device and inbound.session.id == session and key:
                content = {
                    "type": "room_key",
                    "to_place": to,
                    "session": session,
                    "key": key,
                    "index": index,
                }
                self._peers.send(bundle, content)

    def _session(self, content: dict[str, Any]) -> tuple[str, Session]:
        to = text_of(content, "to_place")
        session = Session.imported(text_of(content, "key"))
        stated = (text_of(content, "session"), number_of(content, "index"))
        if stated != (session.id, session.first):
            raise MalformedError("the room's key is not the one that is stated")
        if not is_party(to, self._peers.device.account):
            raise MalformedError("the room's key is of a conversation of others")
        return to, session

    def _take(self, inbound: Inbound) -> None:
        if not is_party(inbound.to, inbound.device.account):
            raise MalformedError("the room's key is of a conversation of others")
        if self._rooms.add(inbound):
            account = ascii_fold(inbound.device.account)
            short = inbound.session.id[:SHORT]
            self._wanted.pop((account, inbound.to, short), None)
            self._out.append(Readable(account, inbound.to, short))
