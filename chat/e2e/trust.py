"""What is known of devices: when they were first seen, and how far each is trusted.

The authority's certificate is the ground: who has one gets keys.  A person can raise a
device above it by comparing a short authentication string, and a device that somebody
verified can co-sign another one of the same account.  A device whose keys change is not
verified any more; if it had been, it gets nothing until its owner says so.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import Enum, IntEnum, auto

from attrs import evolve, frozen

from chat.e2e.bundle import Bundle
from chat.e2e.errors import CipherError
from chat.e2e.olm import Account, verify
from chat.e2e.vault import Vault
from chat.irc.casemap import ascii_fold
from chat.pki.authority import Identity

_KIND = "device"


class Level(IntEnum):
    """How far a device is trusted."""

    #: Never seen with a bundle that holds.
    UNKNOWN = auto()
    #: It gets no keys: somebody said so, or its keys changed after it was verified.
    BLOCKED = auto()
    #: The authority vouches for it.
    CERTIFIED = auto()
    #: A verified device of the same account vouches for it.
    COSIGNED = auto()
    #: A person compared.
    VERIFIED = auto()


class Sight(Enum):
    """What a verified bundle is beside what was known."""

    SAME = auto()
    #: The first device of an account that was not known.
    FIRST = auto()
    #: Another device of an account that was known.
    NEW = auto()
    #: The device has other keys than before.
    CHANGED = auto()
    #: An older bundle of a device whose keys have changed since: it was played back.
    OLD = auto()
    #: The keys are those of another device.
    TAKEN = auto()


@frozen
class Known:
    """What is noted of a device."""

    curve25519: str
    ed25519: str
    time: float
    first_seen: float
    serial: str
    issuer: str
    is_verified: bool = False
    is_blocked: bool = False
    #: Signatures by devices of the same account, by their name.
    cosigned: tuple[tuple[str, str], ...] = ()


class Trust:
    """What is known of all devices; kept in the vault."""

    def __init__(self, vault: Vault, is_revoked: Callable[[str, int], bool]) -> None:
        """``is_revoked`` is asked with the issuer and the serial number of a certificate."""
        self._vault = vault
        self._is_revoked = is_revoked
        self._known: dict[str, Known] = {}
        for name, kept in vault.items(_KIND):
            cosigned = tuple((by, signature) for by, signature in kept.pop("cosigned"))
            self._known[name] = Known(**kept, cosigned=cosigned)

    def known(self, device: Identity) -> Known | None:
        """Return what is noted of a device."""
        return self._known.get(str(device))

    def devices_of(self, account: str) -> list[str]:
        """Return the devices of an account that were ever seen."""
        folded = ascii_fold(account)
        return [name for name in self._known if ascii_fold(name.partition("/")[0]) == folded]

    def observe(self, bundle: Bundle, now: datetime) -> Sight:
        """Note a verified bundle, and return what it is; `OLD` and `TAKEN` are not noted."""
        name = str(bundle.device)
        before = self._known.get(name)
        time = bundle.time.timestamp()
        for other, known in self._known.items():
            if other != name and (
                known.curve25519 == bundle.curve25519 or known.ed25519 == bundle.ed25519
            ):
                return Sight.TAKEN
        if before is None:
            sight = Sight.NEW if self.devices_of(bundle.device.account) else Sight.FIRST
            found = Known(
                bundle.curve25519,
                bundle.ed25519,
                time,
                now.timestamp(),
                str(bundle.serial),
                bundle.issuer,
            )
        elif (before.curve25519, before.ed25519) == (bundle.curve25519, bundle.ed25519):
            sight = Sight.SAME
            if time <= before.time:
                return sight
            found = evolve(before, time=time, serial=str(bundle.serial), issuer=bundle.issuer)
        elif time <= before.time:
            return Sight.OLD
        else:
            sight = Sight.CHANGED
            found = Known(
                bundle.curve25519,
                bundle.ed25519,
                time,
                before.first_seen,
                str(bundle.serial),
                bundle.issuer,
                is_blocked=before.is_blocked or before.is_verified,
            )
        self._put(name, found)
        return sight

    def level(self, device: Identity) -> Level:
        """Return how far a device is trusted."""
        known = self.known(device)
        if known is None:
            return Level.UNKNOWN
        if known.is_blocked:
            return Level.BLOCKED
        if known.is_verified:
            return Level.VERIFIED
        for by, signature in known.cosigned:
            signer = self._known.get(by)
            if signer is None or not signer.is_verified or signer.is_blocked:
                continue
            if self._is_revoked(signer.issuer, int(signer.serial)):
                continue
            try:
                verify(signer.ed25519, cosigned_text(device, known), signature)
            except CipherError:
                continue
            return Level.COSIGNED
        return Level.CERTIFIED

    def set_verified(self, device: Identity) -> None:
        """Note that a person compared."""
        self._change(device, is_verified=True, is_blocked=False)

    def set_blocked(self, device: Identity, *, blocked: bool) -> None:
        """Note whether a device is to get no keys."""
        self._change(device, is_blocked=blocked, is_verified=False)

    def cosign(self, account: Account, device: Identity) -> str | None:
        """Return this device's signature of another, ``None`` for an unknown one."""
        known = self.known(device)
        return None if known is None else account.sign(cosigned_text(device, known))

    def note_cosigned(self, by: Identity, device: Identity, signature: str) -> bool:
        """Note one device's signature of another; return whether it holds and is of its account.

        A signature by the wrong account, of oneself or of other keys is not noted.
        """
        known, signer = self.known(device), self.known(by)
        same = ascii_fold(by.account) == ascii_fold(device.account) and by != device
        if known is None or signer is None or not same:
            return False
        try:
            verify(signer.ed25519, cosigned_text(device, known), signature)
        except CipherError:
            return False
        others = tuple(each for each in known.cosigned if each[0] != str(by))
        self._put(str(device), evolve(known, cosigned=(*others, (str(by), signature))[-8:]))
        return True

    def _change(self, device: Identity, *, is_verified: bool, is_blocked: bool) -> None:
        known = self.known(device)
        if known is not None:
            self._put(str(device), evolve(known, is_verified=is_verified, is_blocked=is_blocked))

    def _put(self, name: str, known: Known) -> None:
        self._known[name] = known
        self._vault.put(
            _KIND,
            name,
            {
                "curve25519": known.curve25519,
                "ed25519": known.ed25519,
                "time": known.time,
                "first_seen": known.first_seen,
                "serial": known.serial,
                "issuer": known.issuer,
                "is_verified": known.is_verified,
                "is_blocked": known.is_blocked,
                "cosigned": [list(each) for each in known.cosigned],
            },
        )


def cosigned_text(device: Identity, known: Known) -> bytes:
    """Return what a device signs of another one of its account."""
    fields = (device.uri, known.curve25519, known.ed25519)
    return b"securechat e2e cosign v1\0" + "\0".join(fields).encode()
