"""Which devices accounts have, as far as the server told and the bundles prove.

What the server says of an account holds until it says that it changed, or a day at most, or
until the connection ends.  It can leave a device out, which then reads nothing; it cannot
put one in.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from attrs import define, field

from chat.e2e.bundle import Bundle
from chat.irc.casemap import ascii_fold
from chat.pki.authority import Identity

#: How long an answer holds.
FRESH = timedelta(days=1)


@define
class Listed:
    """What the server said of one account."""

    bundles: dict[str, Bundle] = field(factory=dict)
    answered: datetime | None = None
    is_asked: bool = False
    #: How many answers there were.
    answers: int = 0


class Directory:
    """The devices of accounts, whose names are folded here."""

    def __init__(self) -> None:
        self._accounts: dict[str, Listed] = {}

    def of(self, account: str) -> Listed:
        """Return what is known of an account."""
        return self._accounts.setdefault(ascii_fold(account), Listed())

    def is_asked(self, account: str) -> bool:
        """Return whether the server was asked about an account and has not answered."""
        listed = self._accounts.get(ascii_fold(account))
        return listed is not None and listed.is_asked

    def is_fresh(self, account: str, now: datetime) -> bool:
        """Return whether the last answer about an account still holds."""
        answered = self.of(account).answered
        return answered is not None and timedelta(0) <= now - answered < FRESH

    def changed(self, account: str) -> None:
        """Note that an account's devices are others now."""
        listed = self._accounts.get(ascii_fold(account))
        if listed is not None:
            listed.answered, listed.is_asked = None, False

    def forget(self) -> None:
        """Note that all answers are of an earlier connection."""
        for listed in self._accounts.values():
            listed.answered, listed.is_asked = None, False

    def answer(self, account: str, bundles: dict[str, Bundle], now: datetime) -> None:
        """Note the devices of an account, those whose bundles hold."""
        listed = self.of(account)
        listed.bundles, listed.answered, listed.is_asked = bundles, now, False
        listed.answers += 1

    def bundle(self, device: Identity) -> Bundle | None:
        """Return the bundle of a device that is listed."""
        return self.of(device.account).bundles.get(str(device))

    def bundles(self, account: str, now: datetime) -> list[Bundle]:
        """Return the devices of an account whose certificates are not over."""
        return [each for each in self.of(account).bundles.values() if each.ends > now]

    def accounts(self) -> list[str]:
        """Return all accounts of which anything is known."""
        return list(self._accounts)
