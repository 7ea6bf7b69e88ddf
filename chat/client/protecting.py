"""How far those are trusted who read what is said to a room or a person."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from chat.client.seals import Protection
from chat.irc.casemap import ascii_fold

if TYPE_CHECKING:
    from chat.e2e.engine import Engine


def protection_for(
    engine: Engine, target: str, account: str, readers: Iterable[str], own: str
) -> Protection:
    """Return how what goes encrypted to a room or person is protected.

    ``account`` is the person's, or the room; ``readers`` are accounts.  One's own devices
    count as verified: who has them is oneself.
    """
    verified = [
        engine.is_verified(device)
        for each in readers
        if each != ascii_fold(own)
        for device, _ in engine.devices(each)
    ]
    other = account if ascii_fold(account) != ascii_fold(target) else ""
    return Protection(True, bool(verified) and all(verified), account=other)
