"""The other devices: what the server lists of them, sessions with them, lines to them.

Everything that the server says of a device is held against its bundle here, and every
message to a device is kept until the server has it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from cryptography import x509

from chat.e2e import wire
from chat.e2e.account import OwnKeys, verify_key
from chat.e2e.bundle import Bundle, make_bundle, verify_bundle
from chat.e2e.canonical import decode, encode
from chat.e2e.directory import Directory
from chat.e2e.effects import (
    AttackRefused,
    DevicesGone,
    Effect,
    KeysChanged,
    NewDevice,
    Ready,
    Transmit,
    Undelivered,
)
from chat.e2e.envelope import identity
from chat.e2e.errors import BundleError, E2eError, MalformedError
from chat.e2e.pairs import Pairs
from chat.e2e.revocations import Revocations
from chat.e2e.trust import Level, Sight, Trust
from chat.e2e.vault import Vault
from chat.irc.casemap import ascii_fold
from chat.pki.authority import Identity
from chat.pki.keys import SigningKey

#: Claims a minute; the server allows 60.
MOST_CLAIMS = 50
MINUTE = timedelta(minutes=1)
#: Messages that wait for a session with one device.
MOST_QUEUED = 20
#: Messages that the server has not confirmed.
MOST_UNCONFIRMED = 1000
#: Answers that come at a time.
MOST_BATCHES = 16

_OUTBOX = "outbox"


class Peers:
    """All other devices, as this one knows them.  What is to happen goes into ``out``."""

    def __init__(
        self,
        vault: Vault,
        device: Identity,
        key: SigningKey,
        chain: Sequence[x509.Certificate],
        roots: Sequence[x509.Certificate],
        clock: Callable[[], datetime],
        random: Callable[[int], bytes],
        out: list[Effect],
    ) -> None:
        self._vault = vault
        self._clock = clock
        self._random = random
        self._out = out
        self._roots = tuple(roots)
        self._key, self._chain = key, tuple(chain)
        self.device = device
        self.own = OwnKeys(vault, device)
        self.pairs = Pairs(vault, self.own)
        self.directory = Directory()
        self.revocations = Revocations(vault, self._authorities)
        self.trust = Trust(vault, self.revocations.revokes_serial)
        #: Places that wait for devices or keys.
        self.waiting: set[str] = set()
        #: Accounts whose devices came anew, for whoever waits for that.
        self.answered: list[str] = []
        self._outbox = dict(vault.items(_OUTBOX))
        self._reset()

    def _reset(self) -> None:
        self._batches: dict[str, tuple[str, list[tuple[str, bytes]]]] = {}
        self._asked_rooms: dict[str, frozenset[str]] = {}
        #: Devices whose key was asked for.
        self._claiming: set[str] = set()
        self._later: deque[str] = deque()
        self._failed: set[str] = set()
        #: When devices may be asked for again that the server refused for now.
        self._retries: dict[str, datetime] = {}
        self._claimed: deque[datetime] = deque()
        self._queued: dict[str, list[tuple[str, dict[str, Any]]]] = {}
        self._renewed: set[str] = set()
        self.waiting.clear()

    # What this device says of itself.

    def start(self) -> None:
        """Publish this device, and send again what the server has not confirmed."""
        self._reset()
        self.directory.forget()
        now = self._clock()
        payload = make_bundle(self.own.olm, self.device, self._key, self._chain, now)
        mine = verify_bundle(payload, self._roots, now, self.revocations.revokes)
        if mine.device != self.device:
            raise BundleError(f"the certificate is of {mine.device}, not of {self.device}")
        self.trust.observe(mine, now)
        self.trust.set_verified(self.device)
        self._send_lines(wire.lines("PUBLISH", (), payload))
        self.ask([self.device.account])
        for name, kept in self._outbox.items():
            self._send_lines(wire.lines("SEND", (kept["to"], name), decode(kept["payload"])))

    def certify(self, key: SigningKey, chain: Sequence[x509.Certificate]) -> None:
        """Use another certificate of this device from now on."""
        self._key, self._chain = key, tuple(chain)

    def fill(self, kept: int) -> None:
        """Give the server the one-time keys that it lacks."""
        payload = self.own.missing(kept, self._clock())
        if payload is not None:
            self.pairs.forget_begun()
            self._send_lines(wire.lines("OTK", (), payload))

    # Which devices there are.

    def ask(self, accounts: Iterable[str], room: str = "") -> None:
        """Ask for the devices of accounts, of all of a room at once where it is one."""
        wanted = [each for each in accounts if not self.directory.of(each).is_asked]
        for each in wanted:
            self.directory.of(each).is_asked = True
        if room and len(wanted) > 1:
            self._asked_rooms[room] = frozenset(wanted)
            self._send(wire.line("QUERY", room))
            return
        for each in wanted:
            self._send(wire.line("QUERY", each))

    def changed(self, account: str) -> None:
        """Note that an account has other devices now; those of the own one are asked for."""
        self.directory.changed(account)
        if ascii_fold(account) == ascii_fold(self.device.account):
            self.ask([account])

    def usable(self, accounts: Iterable[str], *, verified: bool = False) -> list[Bundle]:
        """Return the devices of accounts that may get keys, without this one."""
        least = Level.COSIGNED if verified else Level.CERTIFIED
        now = self._clock()
        return [
            bundle
            for account in accounts
            for bundle in self.directory.bundles(account, now)
            if bundle.device != self.device
            and self.trust.level(bundle.device) >= least
            and not self.is_revoked(bundle.device)
        ]

    def is_revoked(self, device: Identity) -> bool:
        """Return whether the certificate that a device last showed is revoked."""
        known = self.trust.known(device)
        return known is not None and self.revocations.revokes_serial(
            known.issuer, int(known.serial)
        )

    def batch_opens(self, reference: str, target: str) -> None:
        """Take the start of an answer."""
        if len(self._batches) >= MOST_BATCHES:
            raise MalformedError("it begins too many answers at once")
        self._batches[reference] = (target, [])

    def batch_has(self, reference: str) -> bool:
        """Return whether an answer is under way."""
        return reference in self._batches

    def batch_bundle(self, reference: str, device: str, payload: bytes) -> None:
        """Take one bundle of an answer."""
        self._batches[reference][1].append((device, payload))

    def batch_ends(self, reference: str) -> None:
        """Take the end of an answer: accounts of which nothing came have no devices."""
        target, found = self._batches.pop(reference)
        accounts = self._asked_rooms.pop(target, None) or frozenset([ascii_fold(target)])
        bundles: dict[str, dict[str, Bundle]] = {account: {} for account in accounts}
        for name, payload in found:
            account = ascii_fold(name.partition("/")[0])
            if account in bundles:
                bundle = self._verified(name, payload)
                if bundle is not None:
                    bundles[account][name] = bundle
        for account, devices in bundles.items():
            self._answer(account, devices)
        self.ready()

    def _answer(self, account: str, devices: dict[str, Bundle]) -> None:
        gone = set(self.directory.of(account).bundles) - set(devices)
        if gone:
            self._out.append(DevicesGone(account, tuple(sorted(gone))))
        self._failed.difference_update(devices)
        self.directory.answer(account, devices, self._clock())
        self.answered.append(account)

    def _verified(self, name: str, payload: bytes) -> Bundle | None:
        """Return the bundle of a device, and tell what is new about it; ``None`` to refuse."""
        now = self._clock()
        try:
            bundle = verify_bundle(payload, self._roots, now, self.revocations.revokes)
            if str(bundle.device) != name:
                raise BundleError(f"it was given for {name} and is of {bundle.device}")
            own_keys = (self.own.olm.curve25519, self.own.olm.ed25519)
            if bundle.device == self.device and own_keys != (bundle.curve25519, bundle.ed25519):
                raise BundleError("it gives this device keys that are not its own")
        except BundleError as error:
            self._refuse(name, f"bundle refused: {error}")
            return None
        match self.trust.observe(bundle, now):
            case Sight.OLD:
                self._refuse(name, "an older bundle came again, with keys that are no more")
                return None
            case Sight.TAKEN:
                self._refuse(name, "it has the keys of another device")
                return None
            case Sight.NEW:
                own = ascii_fold(bundle.device.account) == ascii_fold(self.device.account)
                self._out.append(NewDevice(bundle.device, own))
            case Sight.CHANGED:
                blocked = self.trust.level(bundle.device) is Level.BLOCKED
                self._out.append(KeysChanged(bundle.device, blocked))
        return bundle

    # Sessions with them.

    def claim(self, bundles: Iterable[Bundle]) -> bool:
        """Ask for keys of devices without a session; return whether answers are awaited.

        What the limit does not allow now is asked for by `tick`, and awaited by nobody.
        """
        awaited = False
        for bundle in bundles:
            name = str(bundle.device)
            if not self.pairs.has(bundle) and name not in self._failed:
                self._claim(name)
                awaited = awaited or name in self._claiming
        return awaited

    def _claim(self, name: str) -> None:
        now = self._clock()
        if name in self._claiming or name in self._later:
            return
        while self._claimed and now - self._claimed[0] >= MINUTE:
            self._claimed.popleft()
        if len(self._claimed) >= MOST_CLAIMS:
            self._later.append(name)
            return
        self._claimed.append(now)
        self._claiming.add(name)
        self._send(wire.line("CLAIM", name))

    def tick(self) -> None:
        """Ask for the keys that the limit did not allow before."""
        now = self._clock()
        for _ in range(len(self._later)):
            name = self._later.popleft()
            if self._retries.get(name, now) > now:
                self._later.append(name)
            else:
                self._claim(name)

    def key_came(self, name: str, payload: bytes) -> None:
        """Take a key that was claimed, and send what waited for it."""
        if name not in self._claiming:
            return
        self._claiming.discard(name)
        bundle = self.directory.bundle(identity(name))
        try:
            if bundle is None:
                raise BundleError("the device is gone")
            self.pairs.begin(bundle, verify_key(payload, bundle))
        except E2eError as error:
            self._failed.add(name)
            self._queued.pop(name, None)
            self._refuse(name, f"key refused: {error}")
        else:
            for curve25519, content in self._queued.pop(name, []):
                if bundle.curve25519 == curve25519 and self.usable([bundle.device.account]):
                    self.send(bundle, content)
        self.ready()

    def renew(self, bundle: Bundle) -> None:
        """Begin another session with a device whose messages cannot be read; once a connection."""
        name = str(bundle.device)
        if name not in self._renewed and bundle in self.usable([bundle.device.account]):
            self._renewed.add(name)
            self._queue(bundle, {"type": "ping"})
            self._claim(name)

    def send(self, bundle: Bundle, content: dict[str, Any]) -> None:
        """Send ``content`` to a device, as soon as there is a session with it."""
        if bundle not in self.usable([bundle.device.account]):
            return
        if not self.pairs.has(bundle):
            self._queue(bundle, content)
            self._claim(str(bundle.device))
            return
        addressed = {
            **content,
            "v": 1,
            "from": str(self.device),
            "to": str(bundle.device),
            "from_key": self.own.olm.ed25519,
            "to_key": bundle.ed25519,
        }
        payload = self.pairs.encrypt(bundle, addressed)
        name = encode(self._random(12))
        if len(self._outbox) >= MOST_UNCONFIRMED:
            self.sent(next(iter(self._outbox)))
        self._outbox[name] = {"to": str(bundle.device), "payload": encode(payload)}
        self._vault.put(_OUTBOX, name, self._outbox[name])
        self._send_lines(wire.lines("SEND", (str(bundle.device), name), payload))

    def sent(self, name: str) -> str:
        """Note that the server has a message, or never will; return whom it was for."""
        kept = self._outbox.pop(name, None)
        if kept is None:
            return ""
        self._vault.delete(_OUTBOX, name)
        return str(kept["to"])

    def failed(self, code: str, context: str) -> None:
        """Take a refusal of the server."""
        device = self.sent(context) or context
        if context in self._claiming:
            self._claiming.discard(context)
            if code == "RATE_LIMITED":
                self._later.append(context)
                self._retries[context] = self._clock() + MINUTE
            else:
                self._failed.add(context)
                self._queued.pop(context, None)
        elif context in self._asked_rooms:
            for account in self._asked_rooms.pop(context):
                self.directory.of(account).is_asked = False
        elif self.directory.is_asked(context):
            if code == "UNKNOWN_TARGET":
                self._answer(ascii_fold(context), {})
            else:
                self.directory.of(context).is_asked = False
        self._out.append(Undelivered(device, code))
        self.ready()

    def ready(self) -> None:
        """Tell the places that wait that something came."""
        self._out.extend(Ready(each) for each in sorted(self.waiting))
        self.waiting.clear()

    def _queue(self, bundle: Bundle, content: dict[str, Any]) -> None:
        queue = self._queued.setdefault(str(bundle.device), [])
        queue.append((bundle.curve25519, content))
        del queue[:-MOST_QUEUED]

    def _authorities(self) -> Iterable[x509.Certificate]:
        """Return the authorities that may sign a list: all of whom a chain was verified."""
        yield from self._roots
        yield from self._chain[1:]
        for account in self.directory.accounts():
            for bundle in self.directory.of(account).bundles.values():
                yield from bundle.authorities

    def _refuse(self, about: str, reason: str) -> None:
        self._out.append(AttackRefused(about, reason))

    def _send(self, message: Any) -> None:
        self._out.append(Transmit(message))

    def _send_lines(self, messages: Iterable[Any]) -> None:
        self._out.extend(map(Transmit, messages))
