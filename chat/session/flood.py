"""A token bucket, so that one session cannot keep the server from the others."""

from __future__ import annotations

from attrs import define

from chat.irc.message import Message
from chat.irc.standard_replies import StandardReply
from chat.network.settings import Settings


@define
class Allowance:
    """``burst`` units at once, refilled with ``rate`` units a second.

    The session's next line waits until its cost is there; nothing is dropped.
    """

    burst: float
    rate: float
    _left: float
    _at: float

    @classmethod
    def full(cls, burst: float, rate: float, now: float) -> Allowance:
        """Return an untouched allowance; ``now`` in seconds."""
        return cls(burst, rate, burst, now)

    def wait(self, cost: float, now: float) -> float:
        """Take ``cost`` and return 0, or take nothing and return the seconds until it is there.

        What costs more than the burst takes all of it: else it would wait for ever.
        """
        cost = min(cost, self.burst)
        self._left = min(self.burst, self._left + (now - self._at) * self.rate)
        self._at = now
        if self._left >= cost:
            self._left -= cost
            return 0.0
        return (cost - self._left) / self.rate


def warning(settings: Settings, capabilities: frozenset[str], nick: str) -> Message:
    """Return the line that tells why answers take so long."""
    rate = settings.limits.flood_rate
    text = f"You are sending more than {rate:g} lines a second: they wait, none is lost"
    if "standard-replies" in capabilities:
        return StandardReply("WARN", "*", "FLOOD", (), text).message(settings.server)
    return Message("NOTICE", (nick, text), settings.server)
