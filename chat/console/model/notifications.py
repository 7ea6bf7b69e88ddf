"""Of which messages somebody is told who does not look, and in which words.

`chat.console.screen.notifiers` gives the notice.  What rings counts, and what does not may
count all the same: the mentions in the list of rooms are the model's.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from attrs import define, field, frozen

from chat.client.events import Said
from chat.console.settings.settings import Settings
from chat.irc.casemap import Casefold, rfc1459_fold
from chat.irc.formatting import strip_formatting

#: Seconds from one notice of a room to the next.
INTERVAL = 3.0
#: Characters of a name that a notice shows.
_NAME_LENGTH = 40
_ADDRESS = re.compile(r"https?://\S+|www\.\S+")
#: Between two letters or digits these are part of a name, an address or another word.
_JOINING = ("-", "|", ".", "@")


@frozen
class Notice:
    """What to tell somebody: who speaks and where, safe to print, and never what is said.

    It begins with the name of the program: so it is neither an option of a command, nor one
    of the numbers with which some terminals' OSC 9 means something else.
    """

    title: str


@frozen
class Attention:
    """What one looks at and what one does not want to hear of, on one network.

    ``shown`` is the room on the screen, ``None`` where it is none of this network.
    ``focused`` says whether the terminal has the focus, ``None`` where it has never told:
    that counts as having it.  Rooms and nicknames are compared by ``fold``.
    """

    settings: Settings
    shown: str | None = None
    focused: bool | None = None
    muted: frozenset[str] = frozenset()
    ignored: frozenset[str] = frozenset()
    fold: Casefold = rfc1459_fold

    def sees(self, room: str) -> bool:
        """Return whether one has this room before one's eyes."""
        return self.focused is not False and self.shown is not None and self._same(room, self.shown)

    def wants(self, said: Said) -> bool:
        """Return whether neither the room nor the person is one to be silent about.

        A muted room is silent for mentions too, as with Slack and WeeChat (notify none).
        """
        return not self._is_in(said.room, self.muted) and not self._is_in(said.sender, self.ignored)

    def _is_in(self, name: str, names: frozenset[str]) -> bool:
        return any(self._same(name, other) for other in names)

    def _same(self, one: str, other: str) -> bool:
        return self.fold(one) == self.fold(other)


@define(eq=False)
class Notifications:
    """The notices of one network, whose name is told where there are several (``""`` if not)."""

    network: str = ""
    #: When there was a notice last, by folded room.
    _last: dict[str, float] = field(factory=dict, init=False)

    def decide(
        self, said: Said, attention: Attention, now: float, *, direct: bool, named: bool
    ) -> Notice | None:
        """Return the notice of a message, if there is to be one.

        ``direct``: it is for us alone; ``named``: it `mentions` us; ``now`` in seconds, of a
        clock that is never set back.
        """
        if not concerns(said, attention.settings, direct or named):
            return None
        if attention.sees(said.room) or not attention.wants(said):
            return None
        room = attention.fold(said.room)
        if now - self._last.get(room, -INTERVAL) < INTERVAL:
            return None
        for other in [other for other, last in self._last.items() if now - last >= INTERVAL]:
            del self._last[other]
        self._last[room] = now
        return Notice(self._title(said, direct=direct, named=named))

    def _title(self, said: Said, *, direct: bool, named: bool) -> str:
        sender, room = _name(said.sender), _name(said.room)
        what = "writes to you" if direct else f"mentions you in {room}" if named else f"in {room}"
        where = f" ({_name(self.network)})" if self.network else ""
        return f"securechat: {sender} {what}{where}"


def mentions(text: str, nick: str, words: Iterable[str] = ()) -> bool:
    """Return whether a text names ``nick``, or one of the words, as a word of its own.

    Case and formatting do not matter.  Addresses of the web, of mail and of hosts name nobody,
    nor does another nickname that has ours as a part (``alice-2``).
    """
    spaced = text.replace("\n", " ").replace("\t", " ")
    plain = _ADDRESS.sub(" ", _folded(strip_formatting(spaced)))
    return any(_stands_in(plain, _folded(word)) for word in (nick, *words) if word)


def concerns(said: Said, settings: Settings, is_for_us: bool) -> bool:
    """Return whether a message may need a notice, wherever one looks."""
    if said.own or said.replayed or settings.notify == "none":
        return False
    return settings.notify_for == "all" or (settings.notify_for == "mentions" and is_for_us)


def _name(name: str) -> str:
    safe = strip_formatting(name)
    return safe if len(safe) <= _NAME_LENGTH else f"{safe[: _NAME_LENGTH - 1]}…"


def _folded(text: str) -> str:
    """Return a text for comparing without case (Unicode, "Default Caseless Matching", D145)."""
    decomposed = unicodedata.normalize("NFD", text).casefold()
    return unicodedata.normalize("NFC", decomposed)


def _stands_in(text: str, word: str) -> bool:
    start = text.find(word)
    while start >= 0:
        end = start + len(word)
        if not _goes_on(text[max(0, start - 2) : start][::-1]) and not _goes_on(
            text[end : end + 2]
        ):
            return True
        start = text.find(word, start + 1)
    return False


def _goes_on(beside: str) -> bool:
    """Return whether a word goes on in the two characters beside it, the nearest first."""
    if beside[:1] in _JOINING:
        beside = beside[1:]
    return bool(beside) and _is_of_word(beside[0])


def _is_of_word(character: str) -> bool:
    # What is wide is written without spaces between the words.
    return character == "_" or (
        unicodedata.category(character)[0] in "LMN"
        and unicodedata.east_asian_width(character) not in "WF"
    )
