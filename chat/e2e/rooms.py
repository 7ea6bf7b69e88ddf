"""Megolm: the session by which this device encrypts for a place, and those that it decrypts.

A place is ``room:`` and the folded name of a channel, or ``pair:`` and two accounts.  A
session that encrypts is replaced as soon as anybody who had its key is to read no more,
after 100 messages, and after a day.  One that decrypts belongs to one device and one place.
Sources: Matrix, Megolm specification; docs/encryption.md.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from attrs import define, field, frozen

from chat.e2e import olm
from chat.e2e.errors import MalformedError
from chat.e2e.vault import Vault
from chat.irc.casemap import ascii_fold
from chat.pki.authority import Identity

MOST_MESSAGES = 100
LIFETIME = timedelta(hours=24)
#: Bytes of a session's id that stand in the tag.
SHORT = 22
#: Sessions of one account with the same short id: more than one is a fraud or a wonder.
MOST_ALIKE = 4
#: Sessions that stay in memory.
MOST_OPEN = 500

_OUTBOUND = "outbound"
_INBOUND = "inbound"
_SHARED = "shared"
_OWNERS = "owners"


@frozen
class Share:
    """Which keys of a device were given the room's key, and from which index on."""

    curve25519: str
    index: int


@define
class Outbound:
    """The session by which this device encrypts for a place."""

    to: str
    session: olm.Outbound
    begun: float
    #: By device; what was given cannot be taken back.
    shared: dict[str, Share] = field(factory=dict)
    #: Accounts that were there when it began.
    members: frozenset[str] = frozenset()
    is_over: bool = False

    @property
    def short_id(self) -> str:
        """The session's id as the tag has it."""
        return self.session.id[:SHORT]

    def is_due(self, now: datetime, devices: Iterable[tuple[str, str]]) -> bool:
        """Return whether the next message needs a new session.

        ``devices`` are those that are to read it, with their Curve25519 keys.
        """
        allowed = dict(devices)
        return (
            self.is_over
            or self.session.index >= MOST_MESSAGES
            or not 0 <= now.timestamp() - self.begun < LIFETIME.total_seconds()
            or any(allowed.get(name) != had.curve25519 for name, had in self.shared.items())
        )


@frozen
class Inbound:
    """A session that decrypts, and whose it is; ``via`` is who passed it on, if anybody."""

    device: Identity
    to: str
    session: olm.Inbound
    via: str = ""


class Rooms:
    """All sessions of this device for rooms and conversations."""

    def __init__(self, vault: Vault, device: Identity) -> None:
        self._vault = vault
        self._device = device
        self._outbound: dict[str, Outbound | None] = {}
        self._inbound: OrderedDict[str, list[Inbound]] = OrderedDict()

    def outbound(self, to: str) -> Outbound | None:
        """Return the session of a place, ``None`` where none has begun."""
        if to not in self._outbound:
            kept = self._vault.get(_OUTBOUND, to)
            self._outbound[to] = None if kept is None else _read_outbound(to, kept)
        return self._outbound[to]

    def begin(self, to: str, members: frozenset[str], now: datetime) -> Outbound:
        """Return a new session of a place, which nobody else has yet."""
        begun = Outbound(to, olm.Outbound(), now.timestamp(), members=members)
        self.add(Inbound(self._device, to, begun.session.inbound()))
        self._outbound[to] = begun
        self.save(begun)
        return begun

    def save(self, outbound: Outbound) -> None:
        """Note the session's state."""
        shared = {name: [had.curve25519, had.index] for name, had in outbound.shared.items()}
        members = sorted(outbound.members)
        self._vault.put(
            _OUTBOUND,
            outbound.to,
            {
                "pickle": outbound.session.pickle(),
                "begun": outbound.begun,
                "shared": shared,
                "members": members,
                "over": outbound.is_over,
            },
        )

    def note_shares(self, outbound: Outbound) -> None:
        """Note who was given the key, for as long as the session can be decrypted."""
        shared = {name: [had.curve25519, had.index] for name, had in outbound.shared.items()}
        self._vault.put(
            _SHARED,
            outbound.session.id,
            {"to": outbound.to, "shared": shared, "members": sorted(outbound.members)},
        )

    def shares(self, session: str) -> tuple[str, dict[str, Share], frozenset[str]] | None:
        """Return place, devices and first members of a session of this device's own."""
        kept = self._vault.get(_SHARED, session)
        if kept is None:
            return None
        return kept["to"], _read_shares(kept["shared"]), frozenset(kept["members"])

    def end(self, to: str) -> None:
        """Have the next message of a place begin a new session."""
        outbound = self.outbound(to)
        if outbound is not None and not outbound.is_over:
            outbound.is_over = True
            self.save(outbound)

    def find(self, account: str, short_id: str) -> list[Inbound]:
        """Return the sessions of an account that the tag's session may mean."""
        name = f"{account} {short_id}"
        if name not in self._inbound:
            kept = self._vault.get(_INBOUND, name) or {"sessions": []}
            self._inbound[name] = [_read_inbound(each) for each in kept["sessions"]]
            if len(self._inbound) > MOST_OPEN:
                self._inbound.popitem(last=False)
        self._inbound.move_to_end(name)
        return self._inbound[name]

    def add(self, inbound: Inbound) -> bool:
        """Keep a session; return whether it decrypts what none did before.

        Of two that are one session the one with the lower index is kept, if it leads to
        the other; `MalformedError` otherwise.
        """
        account = ascii_fold(inbound.device.account)
        alike = self.find(account, inbound.session.id[:SHORT])
        for place, other in enumerate(alike):
            if (other.device, other.session.id) != (inbound.device, inbound.session.id):
                continue
            if other.to != inbound.to:
                raise MalformedError("a key of another room came again for this one")
            older, newer = sorted((other.session, inbound.session), key=lambda each: each.first)
            if older.exported(newer.first) != newer.exported(newer.first):
                raise MalformedError("a key came that does not fit the one that is known")
            if inbound.session.first >= other.session.first:
                return False
            alike[place] = inbound
            break
        else:
            if len(alike) >= MOST_ALIKE:
                raise MalformedError("too many keys for one session")
            alike.append(inbound)
        short_id = inbound.session.id[:SHORT]
        owners = self.owners(short_id)
        if account not in owners:
            self._vault.put(_OWNERS, short_id, {"accounts": [*owners, account][:MOST_ALIKE]})
        kept = {"sessions": [_inbound_record(each) for each in alike]}
        self._vault.put(_INBOUND, f"{account} {inbound.session.id[:SHORT]}", kept)
        return True

    def owners(self, short_id: str) -> list[str]:
        """Return the accounts that have a session with that id."""
        kept = self._vault.get(_OWNERS, short_id)
        return [] if kept is None else list(kept["accounts"])

    def all_inbound(self) -> Iterable[Inbound]:
        """Return every session that decrypts."""
        for _, kept in self._vault.items(_INBOUND):
            yield from map(_read_inbound, kept["sessions"])


def _read_shares(kept: dict[str, Any]) -> dict[str, Share]:
    return {name: Share(*had) for name, had in kept.items()}


def _read_outbound(to: str, kept: dict[str, Any]) -> Outbound:
    return Outbound(
        to,
        olm.Outbound.unpickle(kept["pickle"]),
        kept["begun"],
        _read_shares(kept["shared"]),
        frozenset(kept["members"]),
        kept["over"],
    )


def _inbound_record(inbound: Inbound) -> dict[str, str]:
    return {
        "account": inbound.device.account,
        "device": inbound.device.device,
        "to": inbound.to,
        "pickle": inbound.session.pickle(),
        "via": inbound.via,
    }


def _read_inbound(kept: dict[str, str]) -> Inbound:
    device = Identity(kept["account"], kept["device"])
    return Inbound(device, kept["to"], olm.Inbound.unpickle(kept["pickle"]), kept["via"])
