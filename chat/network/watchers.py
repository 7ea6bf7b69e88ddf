"""Which sessions watch which nicknames (MONITOR)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from chat.irc.casemap import Casefold
from chat.network.ids import SessionId


class Watchers:
    """An index both ways: what a session watches, and who watches a nickname."""

    def __init__(self, fold: Casefold) -> None:
        self._fold = fold
        self._names: dict[SessionId, dict[str, str]] = {}
        self._sessions: dict[str, dict[SessionId, None]] = {}

    def names(self, session: SessionId) -> Mapping[str, str]:
        """Return what ``session`` watches: names as they were given, by their folded form."""
        return self._names.get(session, {})

    def of(self, nick: str) -> tuple[SessionId, ...]:
        """Return the sessions that watch ``nick``."""
        return tuple(self._sessions.get(self._fold(nick), ()))

    def change(
        self, session: SessionId, added: Iterable[str] = (), removed: Iterable[str] = ()
    ) -> None:
        """Let ``session`` watch more nicknames, and others no longer."""
        names = self._names.setdefault(session, {})
        for name in map(self._fold, removed):
            if names.pop(name, None) is not None:
                del self._sessions[name][session]
                if not self._sessions[name]:
                    del self._sessions[name]
        for name in added:
            names[self._fold(name)] = name
            self._sessions.setdefault(self._fold(name), {})[session] = None
        if not names:
            del self._names[session]

    def forget(self, session: SessionId) -> None:
        """Let ``session`` watch nobody: it is gone."""
        self.change(session, removed=tuple(self.names(session)))
