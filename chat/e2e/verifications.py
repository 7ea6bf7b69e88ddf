"""Comparisons that are under way, and signatures of one's own devices for each other."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from chat.e2e.bundle import Bundle, fingerprint
from chat.e2e.canonical import encode, text_of
from chat.e2e.effects import (
    Compare,
    Effect,
    VerificationAsked,
    VerificationFailed,
    Verified,
)
from chat.e2e.envelope import identity
from chat.e2e.errors import CipherError, E2eError, MalformedError
from chat.e2e.olm import Sas
from chat.e2e.peers import Peers
from chat.e2e.sas import Stage, Verification
from chat.irc.casemap import ascii_fold
from chat.pki.authority import Identity

#: Comparisons at a time.
MOST = 10
#: How long one may take.
LIFETIME = timedelta(minutes=10)


class Verifications:
    """All comparisons of this device with others."""

    def __init__(
        self,
        peers: Peers,
        clock: Callable[[], datetime],
        random: Callable[[int], bytes],
        out: list[Effect],
    ) -> None:
        self._peers = peers
        self._clock = clock
        self._random = random
        self._out = out
        self._open: dict[str, tuple[Verification, datetime]] = {}

    # What the person does.

    def ask(self, device: Identity) -> str:
        """Ask a device to compare; return the id, or `E2eError` for one that is not there."""
        name = encode(self._random(12))
        verification = self._begin(name, self._bundle(device), is_first=True)
        self._send(verification, "start")
        return name

    def accept(self, name: str) -> None:
        """Take part in a comparison that another device asked for."""
        verification = self._find(name, Stage.ASKED)
        if verification.is_first:
            raise E2eError("the other side has to accept: wait for it")
        verification.stage = Stage.ACCEPTED
        self._send(verification, "accept", commitment=verification.commit())

    def confirm(self, name: str) -> None:
        """Say that the persons saw the same."""
        verification = self._find(name, Stage.COMPARING)
        verification.stage = Stage.CONFIRMED
        self._send(verification, "mac", mac=verification.mac())
        if verification.early_mac:
            self._finish(verification, verification.early_mac)

    def cancel(self, name: str, reason: str = "cancelled") -> None:
        """End a comparison without a result, or because the persons saw different things."""
        found = self._open.pop(name, None)
        if found is not None:
            self._send(found[0], "cancel", reason=reason)

    def cosign(self, device: Identity) -> None:
        """Vouch for another device of the own account, to all of whom a session is open."""
        if ascii_fold(device.account) != ascii_fold(self._peers.device.account):
            raise E2eError(f"{device} is not a device of your account: use /verify")
        signature = self._peers.trust.cosign(self._peers.own.olm, device)
        if signature is None or device == self._peers.device:
            raise E2eError(f"{device} is not known: let it connect first")
        self._peers.trust.note_cosigned(self._peers.device, device, signature)
        content = {"type": "cosign", "device": str(device), "sig": signature}
        for bundle in self._peers.usable(self._peers.directory.accounts()):
            if self._peers.pairs.has(bundle):
                self._peers.send(bundle, content)

    # What other devices say.

    def cosigned(self, bundle: Bundle, content: dict[str, Any]) -> None:
        """Take one device's signature of another."""
        device = identity(text_of(content, "device"))
        if self._peers.trust.known(device) is None:
            return  # its bundle has not come yet, and somebody else may vouch for it
        if not self._peers.trust.note_cosigned(bundle.device, device, text_of(content, "sig")):
            raise MalformedError(f"it vouches wrongly for {device}")

    def received(self, bundle: Bundle, content: dict[str, Any]) -> None:
        """Take a step of the other side; a wrong one ends the comparison."""
        self._expire()
        name, step = text_of(content, "id"), text_of(content, "step")
        if step == "start":
            self._asked(name, bundle)
            return
        found = self._open.get(name)
        if found is None:
            return
        verification = found[0]
        if (verification.other, verification.other_digest) != (bundle.device, bundle.fingerprint):
            raise MalformedError("it takes part in a comparison of others")
        try:
            self._step(verification, step, content)
        except E2eError as error:
            self.cancel(name, "mismatch")
            self._out.append(VerificationFailed(name, verification.other, str(error)))

    def _asked(self, name: str, bundle: Bundle) -> None:
        if name in self._open or len(self._open) >= MOST or not 0 < len(name) <= 64:
            raise MalformedError("it asks for too many comparisons, or for one that is open")
        self._begin(name, bundle, is_first=False)
        self._out.append(VerificationAsked(name, bundle.device))

    def _step(self, verification: Verification, step: str, content: dict[str, Any]) -> None:
        stage, first = verification.stage, verification.is_first
        match step:
            case "accept" if first and stage is Stage.ASKED:
                verification.commitment = text_of(content, "commitment")
                verification.stage = Stage.ACCEPTED
                self._send(verification, "key", key=verification.sas.public)
            case "key" if stage is Stage.ACCEPTED:
                verification.take_key(text_of(content, "key"))
                if not first:
                    self._send(verification, "key", key=verification.sas.public)
                shown = Compare(verification.id, verification.other, verification.emojis())
                self._out.append(shown)
            case "mac" if stage is Stage.COMPARING and not verification.early_mac:
                verification.early_mac = text_of(content, "mac")
            case "mac" if stage is Stage.CONFIRMED:
                self._finish(verification, text_of(content, "mac"))
            case "cancel":
                self._open.pop(verification.id, None)
                failed = VerificationFailed(
                    verification.id, verification.other, "the other side ended it"
                )
                self._out.append(failed)
            case _:
                raise CipherError("the other side does not keep to the order")

    def _finish(self, verification: Verification, mac: str) -> None:
        try:
            verification.check(mac)
        except CipherError as error:
            self.cancel(verification.id, "mismatch")
            failed = VerificationFailed(verification.id, verification.other, str(error))
            self._out.append(failed)
            return
        self._open.pop(verification.id, None)
        if self._bundle(verification.other).fingerprint != verification.other_digest:
            raise MalformedError("its keys changed while it was compared")
        self._peers.trust.set_verified(verification.other)
        self._out.append(Verified(verification.other))

    def _begin(self, name: str, bundle: Bundle, *, is_first: bool) -> Verification:
        self._expire()
        if len(self._open) >= MOST:
            raise E2eError("too many comparisons are open: finish one")
        keys = self._peers.own.olm
        own = fingerprint(self._peers.device, keys.curve25519, keys.ed25519)
        verification = Verification(
            name, self._peers.device, own, bundle.device, bundle.fingerprint, is_first, Sas()
        )
        self._open[name] = (verification, self._clock())
        return verification

    def _bundle(self, device: Identity) -> Bundle:
        bundle = self._peers.directory.bundle(device)
        if bundle is None or self._peers.is_revoked(device):
            raise E2eError(f"{device} has no keys here: it has to connect first")
        return bundle

    def _find(self, name: str, stage: Stage) -> Verification:
        self._expire()
        found = self._open.get(name)
        if found is None or found[0].stage is not stage:
            raise E2eError("that comparison is over, or not so far: begin again with /verify")
        return found[0]

    def _expire(self) -> None:
        now = self._clock()
        for name, (_, begun) in list(self._open.items()):
            if not timedelta(0) <= now - begun < LIFETIME:
                self.cancel(name, "timeout")

    def _send(self, verification: Verification, step: str, **fields: str) -> None:
        content = {"type": "verify", "step": step, "id": verification.id, **fields}
        bundle = self._peers.directory.bundle(verification.other)
        if bundle is not None:
            self._peers.send(bundle, content)
