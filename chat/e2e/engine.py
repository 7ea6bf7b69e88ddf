"""The one object that a client drives: lines go in, lines and effects come out.

What it guarantees, whatever the server does:

- `encrypt` gives lines only when every account that takes part was asked for its devices and
  every key that goes out goes to a device whose certificate the pinned authority signed, that
  is in date, not revoked and not blocked.  Else it says what it waits for, or why not; the
  text of a message is never kept here, and never in a line but encrypted.
- Who leaves, is removed or revoked reads nothing from the next message on; who comes, nothing
  from before, unless the room shares its session.
- `decrypt` gives a text once, in the place and by the device for which it was encrypted; all
  else is `Sealed` with a reason.
- A room that was encrypted once stays so (`must_encrypt`), until `forget_encryption`.
- What is returned is on the disk: no ratchet turns back after a crash, and nothing is
  acknowledged that could be lost.  After `VaultError` the engine does nothing more.
- Everything refused is told as `AttackRefused`, every new or changed device as an effect.

It has no clock, randomness or network of its own; ``clock`` gives aware times, ``random``
so many bytes that nobody can guess.  One thread drives it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

from cryptography import x509

from chat.e2e import backup, passphrase, wire
from chat.e2e.canonical import encode
from chat.e2e.effects import (
    AttackRefused,
    Denied,
    Effect,
    ModeDropped,
    Outcome,
    Plain,
    Sealed,
    Sending,
    Transmit,
    Waiting,
)
from chat.e2e.envelope import KINDS
from chat.e2e.errors import E2eError, MalformedError
from chat.e2e.inbox import Inbox
from chat.e2e.peers import Peers
from chat.e2e.places import Places
from chat.e2e.reading import Reader
from chat.e2e.replays import Replays
from chat.e2e.rooms import Rooms
from chat.e2e.sharing import Sharing
from chat.e2e.trust import Level
from chat.e2e.vault import Vault
from chat.e2e.verifications import Verifications
from chat.e2e.writing import Writer
from chat.irc.casemap import Casefold, ascii_fold
from chat.irc.message import Message
from chat.irc.names import looks_like_channel
from chat.pki.authority import Identity
from chat.pki.keys import SigningKey

#: When the authority's revocation lists are asked for again; they hold for days.
_LISTS_AGAIN = timedelta(hours=1)


class Engine:
    """Encryption of one device on one network."""

    def __init__(
        self,
        vault: Vault,
        device: Identity,
        key: SigningKey,
        chain: Sequence[x509.Certificate],
        roots: Sequence[x509.Certificate],
        *,
        clock: Callable[[], datetime],
        random: Callable[[int], bytes],
        fold: Casefold = ascii_fold,
    ) -> None:
        """``chain`` is the device's certificate and the authorities below the root."""
        self._vault = vault
        self._device = device
        self._clock = clock
        self._random = random
        self._roots = tuple(roots)
        self._out: list[Effect] = []
        self._peers = Peers(vault, device, key, chain, roots, clock, random, self._out)
        self._rooms = Rooms(vault, device)
        self._places = Places(vault, fold)
        self._sharing = Sharing(self._peers, self._rooms, self._out)
        self._verifications = Verifications(self._peers, clock, random, self._out)
        self._writer = Writer(self._peers, self._rooms, self._places, self._sharing, clock, random)
        self._reader = Reader(self._peers, self._rooms, self._places, Replays(vault), self._sharing)
        self._inbox = Inbox(
            vault,
            self._peers,
            {
                "room_key": self._sharing.key_came,
                "key_request": self._sharing.requested,
                "forwarded_key": self._sharing.forwarded,
                "verify": self._verifications.received,
                "cosign": self._verifications.cosigned,
            },
            self._out,
        )
        self._assembly = wire.Assembly()
        self._lists_asked = clock()
        vault.commit()

    # The connection.

    def start(self) -> list[Effect]:
        """Return what is to be sent after each log-in; all that the server said is forgotten.

        Raises `E2eError` where the own certificate would prove nothing to others.
        """
        self._out.clear()
        self._inbox.reset()
        self._sharing.reset()
        self._places.forget_members()
        self._assembly = wire.Assembly()
        self._peers.start()
        self._ask_for_lists()
        return self._done()

    def received(self, message: Message) -> list[Effect]:
        """Take a line; those that are not about encryption come to nothing."""
        try:
            self._receive(message)
        except E2eError as error:
            self._out.append(AttackRefused(message.source or "the server", str(error)))
        while self._peers.answered:
            account = self._peers.answered.pop()
            # What waits may hold the very key that would be asked for.
            self._inbox.proceed()
            self._sharing.pursue(account)
        return self._done()

    def tick(self) -> list[Effect]:
        """Ask again for what limits did not allow; to be called every few seconds."""
        if self._clock() - self._lists_asked >= _LISTS_AGAIN:
            self._ask_for_lists()
        self._peers.tick()
        self._inbox.proceed()
        self._peers.ready()
        return self._done()

    def members_changed(self, room: str, accounts: Iterable[str]) -> list[Effect]:
        """Take the accounts of all who are in a room; who left ends the session there."""
        to = self._to(room)
        left = self._places.set_members(to, frozenset(map(ascii_fold, accounts)))
        if left:
            self._rooms.end(to)
        return self._done()

    def mode_changed(self, room: str, *, encrypted: bool) -> list[Effect]:
        """Take what the server says of a room's mode +E; that it is gone changes nothing."""
        place = self._places.of(self._to(room))
        if place.is_encrypted and not encrypted:
            self._out.append(ModeDropped(room))
        elif encrypted and not place.is_encrypted:
            self._set(room, is_encrypted=True)
        return self._done()

    def revoked(self, pem: bytes) -> list[Effect]:
        """Take the authority's revocation lists; older ones than are known are refused."""
        self._take_lists(pem)
        return self._done()

    def certify(self, key: SigningKey, chain: Sequence[x509.Certificate]) -> None:
        """Use a renewed certificate of this device; the next `start` publishes it."""
        self._peers.certify(key, chain)

    # Messages.

    def must_encrypt(self, target: str) -> bool:
        """Return whether nothing may go to a room or account but encrypted."""
        if self._places.of(self._to(target)).is_encrypted:
            return True
        if looks_like_channel(target):
            return False
        return any(name != str(self._device) for name in self._peers.trust.devices_of(target))

    def has_devices(self, account: str) -> bool | None:
        """Return whether an account has devices; ``None`` until the server has said it."""
        listed = self._peers.directory.of(account)
        return bool(listed.bundles) if listed.answered is not None else None

    def encrypt(
        self, target: str, kind: str, body: str, ref: str = "", *, nick: str = ""
    ) -> Outcome:
        """Return the lines of a message to a room or an account, whose nickname is ``nick``.

        ``kind`` is one of `KINDS`, ``ref`` the msgid that it answers, reacts to or redacts.
        """
        if kind not in KINDS:
            raise E2eError(f"{kind!r} is no kind of message")
        to = self._to(target)
        try:
            outcome = self._writer.write(to, target, kind, body, ref, nick or target)
        except MalformedError as error:
            outcome = Denied(str(error))
        except E2eError:
            self._out.clear()
            raise
        lines = tuple(each.message for each in self._done() if isinstance(each, Transmit))
        match outcome:
            case Sending():
                return Sending((*lines, *outcome.lines))
            case Waiting():
                return Waiting(outcome.missing, lines)
        return outcome

    def encrypt_again(self, target: str, lines: Sequence[Message]) -> Outcome | None:
        """Return what becomes of lines that `encrypt` gave and that may have been lost.

        They themselves, as long as nobody has their key who is to read no more; else
        ``None``: what they say has to be encrypted anew.
        """
        outcome = self._writer.again(self._to(target), target, lines)
        sent = tuple(each.message for each in self._done() if isinstance(each, Transmit))
        match outcome:
            case Sending():
                return Sending((*sent, *outcome.lines))
            case Waiting():
                return Waiting(outcome.missing, sent)
        return outcome

    def decrypt(
        self, message: Message, *, peer: str = "", historic: bool = False
    ) -> Plain | Sealed:
        """Return what an encrypted message says.

        ``peer`` is the account of the other side where this account itself wrote to a
        person.  ``historic``: the line is of the server's history.  What is shown is
        noted with the next `commit`, or the next line that is to be sent.
        """
        account = message.tags.get("account", "")
        target = message.params[0] if message.params else ""
        if not looks_like_channel(target):
            is_own = ascii_fold(account) == ascii_fold(self._device.account)
            target = peer if is_own else account
        found = self._reader.read(message, self._to(target), historic=historic)
        if isinstance(found, Plain):
            is_room = looks_like_channel(target)
            if not is_room and not self._places.of(self._to(target)).is_encrypted:
                self._set(target, is_encrypted=True)
            return found
        return Sealed(found.reason, tuple(self._done()))

    def commit(self) -> None:
        """Note on the disk what was shown; to be called once a turn of the reactor."""
        self._vault.commit()

    def close(self) -> None:
        """Give the vault back: another engine can have it now, and this one does nothing more."""
        self._vault.commit()
        self._vault.close()

    # What the owner decides.

    def forget_encryption(self, target: str) -> None:
        """Let a room or conversation be unencrypted from now on, since its owner says so."""
        self._set(target, is_encrypted=False)
        self._vault.commit()

    def demand_verified(self, target: str, demanded: bool) -> None:
        """Set whether only verified and co-signed devices take part in a room."""
        self._set(target, needs_verified=demanded)
        self._vault.commit()

    def share_history(self, target: str, shared: bool) -> None:
        """Set whether who comes gets the present session from its beginning."""
        self._set(target, shares_history=shared)
        self._vault.commit()

    def set_passphrase(self, room: str, words: str | None) -> None:
        """Encrypt a room under a passphrase, or no longer; takes a tenth of a second."""
        to = self._to(room)
        key = "" if words is None else encode(passphrase.room_key(words, self._roots[0], to))
        self._writer.forget_passphrase(to)
        self._set(room, key=key, is_encrypted=True)
        self._vault.commit()

    def devices(self, account: str) -> list[tuple[Identity, Level]]:
        """Return the devices of an account that are listed now, and how far each is trusted."""
        listed = self._peers.directory.of(account).bundles.values()
        return [(each.device, self._peers.trust.level(each.device)) for each in listed]

    def is_verified(self, device: Identity) -> bool:
        """Return whether a person compared a device, or one that a person did vouches for it."""
        return self._peers.trust.level(device) >= Level.COSIGNED

    def look_up(self, account: str) -> list[Effect]:
        """Ask for the devices of an account; `Ready` tells that they came."""
        self._peers.waiting.add(account)
        self._peers.ask([account])
        return self._done()

    def block(self, device: Identity, *, blocked: bool = True) -> list[Effect]:
        """Give a device no keys any more; or accept it, also with the keys that it has now."""
        self._peers.trust.set_blocked(device, blocked=blocked)
        return self._done()

    def cosign(self, device: Identity) -> list[Effect]:
        """Vouch for another device of the own account."""
        return self._do(lambda: self._verifications.cosign(device))

    def verify(self, device: Identity) -> list[Effect]:
        """Ask a device to compare a short authentication string; `Compare` shows it."""
        return self._do(lambda: self._verifications.ask(device))

    def verify_accept(self, name: str) -> list[Effect]:
        """Take part in a comparison."""
        return self._do(lambda: self._verifications.accept(name))

    def verify_confirm(self, name: str) -> list[Effect]:
        """Say that both persons see the same."""
        return self._do(lambda: self._verifications.confirm(name))

    def verify_cancel(self, name: str) -> list[Effect]:
        """End a comparison: the persons see different things, or do not want it."""
        return self._do(lambda: self._verifications.cancel(name))

    def export_keys(self, recovery: str) -> bytes:
        """Return the backup of the keys of rooms, under a recovery passphrase."""
        return backup.export(self._rooms, recovery, self._random)

    def import_keys(self, data: bytes, recovery: str) -> backup.Restored:
        """Take a backup in."""
        restored = backup.restore(self._rooms, data, recovery)
        self._vault.commit()
        return restored

    # What is behind them.

    def _to(self, target: str) -> str:
        return self._places.name(target, self._device.account)

    def _set(self, target: str, **values: bool | str) -> None:
        to = self._to(target)
        for name, value in values.items():
            setattr(self._places.of(to), name, value)
        self._places.save(to)

    def _done(self) -> list[Effect]:
        """Write what was decided, and return what follows from it."""
        effects = list(self._out)
        self._out.clear()
        self._vault.commit()
        return effects

    def _do(self, act: Callable[[], object]) -> list[Effect]:
        try:
            act()
        except E2eError:
            self._out.clear()
            raise
        return self._done()

    def _ask_for_lists(self) -> None:
        self._lists_asked = self._clock()
        self._out.append(Transmit(wire.line("REVOCATIONS")))

    def _take_lists(self, pem: bytes) -> None:
        wrong, has_new = self._peers.revocations.take(pem, self._clock())
        self._out.extend(AttackRefused("the revocation list", each) for each in wrong)
        if has_new:
            self._peers.ready()

    def _receive(self, message: Message) -> None:
        reference = message.tags.get("batch", "")
        match (message.command, *message.params):
            case ("BATCH", opened, wire.CAPABILITY, target) if opened.startswith("+"):
                self._peers.batch_opens(opened[1:], target)
            case ("BATCH", closed) if self._peers.batch_has(closed[1:]):
                self._peers.batch_ends(closed[1:])
            case ("E2E", "BUNDLE", device, _) if self._peers.batch_has(reference):
                payload = self._assembly.add(message)
                if payload is not None:
                    self._peers.batch_bundle(reference, device, payload)
            case ("E2E", "KEY", device, _):
                payload = self._assembly.add(message)
                if payload is not None:
                    self._peers.key_came(device, payload)
            case ("E2E", "DELIVER", sender, position, _):
                payload = self._assembly.add(message)
                if payload is not None:
                    self._inbox.deliver(sender, position, payload)
            case ("E2E", "CHANGED", account):
                self._peers.changed(account)
                # It may have changed because something was revoked.
                self._ask_for_lists()
            case ("E2E", "REVOCATIONS", _):
                payload = self._assembly.add(message, wire.MOST_OF_LISTS)
                if payload is not None:
                    self._take_lists(payload)
            case ("FAIL", "E2E", _, "REVOCATIONS", *_):
                pass  # they are longer than the server gives: those that are known stay
            case ("E2E", "OTK", kept) if kept.isdecimal():
                self._peers.fill(int(kept))
            case ("E2E", "SENT", name):
                self._peers.sent(name)
            case ("FAIL", "E2E", code, *context, _):
                self._peers.failed(code, context[-1] if context else "")
