"""How often others are told that we type.

No clock: moments are seconds of whatever clock.  Source: IRCv3 typing.
"""

from __future__ import annotations

from math import inf

from attrs import define, field

#: "any typing notification is not sent within 3 seconds of another one for a given target".
PAUSE = 3.0
#: Seconds after which others think no more that we type.
FORGOTTEN = 6.0
#: The client-only tag.
TAG = "+typing"


@define
class TypingLimiter:
    """What was told last, by the folded name of a room or person."""

    _told: dict[str, float] = field(factory=dict)
    #: Where others think that we type.
    _active: set[str] = field(factory=set)

    def changed(self, place: str, now: float, *, active: bool) -> str | None:
        """Return the tag's value to send now; ``None`` for nothing.

        An end that may not be told so soon is not told: others find it after 6 s.
        """
        for other in [other for other, when in self._told.items() if now - when >= FORGOTTEN]:
            del self._told[other]
            self._active.discard(other)
        is_early = now - self._told.get(place, -inf) < PAUSE
        if is_early or (not active and place not in self._active):
            return None
        self._told[place] = now
        (self._active.add if active else self._active.discard)(place)
        return "active" if active else "done"

    def said(self, place: str) -> None:
        """Take note that what was typed was said, which tells others that it is over."""
        self._active.discard(place)
