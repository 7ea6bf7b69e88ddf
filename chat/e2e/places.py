"""What is kept of each room and conversation: that it is encrypted, for whom, and how far.

Encryption is remembered: what was encrypted once stays so here, whatever the server says of
the room's mode, until the owner of this client says otherwise.
"""

from __future__ import annotations

from typing import Any

from attrs import asdict, define

from chat.e2e.vault import Vault
from chat.irc.casemap import Casefold, ascii_fold
from chat.irc.names import looks_like_channel

_KIND = "place"


@define
class Place:
    """One room or conversation."""

    is_encrypted: bool = False
    #: Whether only devices that a person verified, or that such a device co-signed, take part.
    needs_verified: bool = False
    #: Whether who comes later gets the present session from its beginning.
    shares_history: bool = False
    #: The number of this device's next message.
    seq: int = 0
    #: The key of a room with a passphrase, base64url.
    key: str = ""


class Places:
    """All places, kept in the vault; and who is in the rooms, which is not kept."""

    def __init__(self, vault: Vault, fold: Casefold) -> None:
        self._vault = vault
        self._fold = fold
        self._places: dict[str, Place] = {}
        self._members: dict[str, frozenset[str]] = {}

    def name(self, target: str, own: str) -> str:
        """Return the name of a room, or of the conversation of ``own`` with an account."""
        if looks_like_channel(target):
            return f"room:{self._fold(target)}"
        return "pair:" + " ".join(sorted({ascii_fold(target), ascii_fold(own)}))

    def of(self, to: str) -> Place:
        """Return what is kept of a place; `save` notes what was changed in it."""
        if to not in self._places:
            kept: dict[str, Any] = self._vault.get(_KIND, to) or {}
            self._places[to] = Place(**kept)
        return self._places[to]

    def save(self, to: str) -> None:
        """Note what is kept of a place."""
        self._vault.put(_KIND, to, asdict(self.of(to)))

    def members(self, to: str) -> frozenset[str] | None:
        """Return the accounts, folded, that take part; ``None`` for a room not told of."""
        if to.startswith("pair:"):
            return frozenset(to.removeprefix("pair:").split())
        return self._members.get(to)

    def set_members(self, to: str, accounts: frozenset[str]) -> frozenset[str]:
        """Note who is in a room; return who was and is not."""
        left = self._members.get(to, frozenset()) - accounts
        self._members[to] = accounts
        return left

    def forget_members(self) -> None:
        """Note that nothing is known of who is in the rooms: the connection is a new one."""
        self._members.clear()


def is_party(to: str, account: str) -> bool:
    """Return whether an account can have part in a place; of a room the server knows more."""
    if to.startswith("room:"):
        return True
    return to.startswith("pair:") and ascii_fold(account) in to.removeprefix("pair:").split()
