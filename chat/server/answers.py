"""Where the questions of handlers go: to the gatekeeper, or to the history."""

from __future__ import annotations

from typing import Any

from attrs import frozen
from twisted.internet.defer import Deferred

from chat.features.feature import FindEntry, Query, ReadHistory, ReadTargets
from chat.server.gatekeeper import Gatekeeper
from chat.store.interfaces import IHistory


@frozen
class Answers:
    """Answers every `Query` of a session from ``host``."""

    gatekeeper: Gatekeeper
    history: IHistory

    def ask(self, query: Query, host: str) -> Deferred[Any]:
        """Return the answer; it fails as the query's class says."""
        match query:
            case ReadHistory():
                return self.history.read(query.place, query.part, query.kinds)
            case FindEntry():
                return self.history.find(query.uid)
            case ReadTargets():
                return self.history.targets(
                    query.account, query.channels, query.after, query.before, query.limit
                )
        return self.gatekeeper.ask(query, host)
