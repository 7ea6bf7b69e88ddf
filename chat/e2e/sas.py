"""Verification by a short authentication string, which two people compare.

Who is asked commits to a key before seeing the other's, so nobody in between can search
for keys that show the same.  What is shown, and what each side proves at the end, depends
on both devices' bundles and both keys.  Source: Matrix, "Short Authentication String (SAS)
verification", from which the emoji are.
"""

from __future__ import annotations

from enum import Enum, auto
from hashlib import sha256
from hmac import compare_digest

from attrs import define

from chat.e2e.canonical import encode
from chat.e2e.errors import CipherError
from chat.e2e.olm import Agreed, Sas
from chat.pki.authority import Identity

_TABLE = (
    "🐶dog 🐱cat 🦁lion 🐎horse 🦄unicorn 🐷pig 🐘elephant 🐰rabbit 🐼panda 🐓rooster "
    "🐧penguin 🐢turtle 🐟fish 🐙octopus 🦋butterfly 🌷flower 🌳tree 🌵cactus 🍄mushroom "
    "🌏globe 🌙moon ☁cloud 🔥fire 🍌banana 🍎apple 🍓strawberry 🌽corn 🍕pizza 🎂cake "
    "❤heart 😀smiley 🤖robot 🎩hat 👓glasses 🔧spanner 🎅santa 👍thumbs-up ☂umbrella "
    "⌛hourglass ⏰clock 🎁gift 💡light-bulb 📕book ✏pencil 📎paperclip ✂scissors 🔒lock "
    "🔑key 🔨hammer ☎telephone 🏁flag 🚂train 🚲bicycle ✈aeroplane 🚀rocket 🏆trophy "
    "⚽ball 🎸guitar 🎺trumpet 🔔bell ⚓anchor 🎧headphones 📁folder 📌pin"
)
#: Names and pictures by number (Matrix, "SAS method: emoji").
EMOJIS = tuple((entry[1:], entry[0]) for entry in _TABLE.split())


class Stage(Enum):
    """How far a verification is."""

    ASKED = auto()
    ACCEPTED = auto()
    COMPARING = auto()
    CONFIRMED = auto()
    ENDED = auto()


@define
class Verification:
    """One side of a comparison; ``is_first`` is the side that asked."""

    id: str
    own: Identity
    own_digest: str
    other: Identity
    other_digest: str
    is_first: bool
    sas: Sas
    stage: Stage = Stage.ASKED
    commitment: str = ""
    other_key: str = ""
    agreed: Agreed | None = None
    #: What the other side proved before this one had compared.
    early_mac: str = ""

    def commit(self) -> str:
        """Return what the side that was asked sends first: it fixes its key."""
        return commitment(self.id, self.sas.public)

    def take_key(self, key: str) -> None:
        """Take the other side's key; `CipherError` where it is not the one committed to."""
        if self.is_first and not compare_digest(commitment(self.id, key), self.commitment):
            raise CipherError("its key is not the one that it committed to")
        self.agreed = self.sas.agree(key)
        self.other_key = key
        self.stage = Stage.COMPARING

    def emojis(self) -> tuple[tuple[str, str], ...]:
        """Return what the person sees; both keys are known."""
        numbers = () if self.agreed is None else self.agreed.emojis(self._transcript("emoji"))
        return tuple(EMOJIS[each] for each in numbers)

    def mac(self) -> str:
        """Return this side's proof that it compared what it shows."""
        if self.agreed is None:
            raise CipherError("nothing was agreed yet")
        return self.agreed.mac(self.own_digest, self._transcript(f"mac {self.own.uri}"))

    def check(self, mac: str) -> None:
        """Raise `CipherError` unless the other side compared the same."""
        if self.agreed is None:
            raise CipherError("nothing was agreed yet")
        self.agreed.check(self.other_digest, self._transcript(f"mac {self.other.uri}"), mac)

    def _transcript(self, purpose: str) -> str:
        own = (self.own.uri, self.own_digest, self.sas.public)
        other = (self.other.uri, self.other_digest, self.other_key)
        sides = (*own, *other) if self.is_first else (*other, *own)
        return "|".join(("securechat e2e sas v1", purpose, self.id, *sides))


def commitment(name: str, key: str) -> str:
    """Return the commitment to a key in one verification."""
    return encode(sha256(f"securechat e2e sas v1 commitment\0{name}\0{key}".encode()).digest())
