"""Where the questions of handlers go: to the gatekeeper, to the history, to who invites."""

from __future__ import annotations

from typing import Any, Protocol

from attrs import frozen
from twisted.internet.defer import Deferred, succeed

from chat.features.e2e_queries import DirectoryQuery
from chat.features.feature import (
    FindEntry,
    MakeInvitation,
    Query,
    ReadFigures,
    ReadHistory,
    ReadTargets,
    Rehash,
    Restart,
    RevokeCertificates,
    SearchHistory,
)
from chat.network.figures import Figures
from chat.server.directory import Directory
from chat.server.gatekeeper import Gatekeeper
from chat.server.inviting import Inviting
from chat.store.interfaces import IHistory, ISearcher


class IAdministration(Protocol):
    """What operators may do to the whole server."""

    def rehash(self) -> str | None:
        """Take the configuration into use; return ``None``, or what is wrong with it."""

    def figures(self) -> Figures:
        """Return what the server measured of itself."""

    def revoke(self, query: RevokeCertificates) -> Deferred[tuple[str, ...]]:
        """Have the authority revoke certificates, and end their sessions."""

    def restart(self) -> None:
        """End the server soon, and start it again."""


@frozen
class Answers:
    """Answers every `Query` of a session from ``host``."""

    gatekeeper: Gatekeeper
    history: IHistory
    searcher: ISearcher
    administration: IAdministration
    inviting: Inviting
    directory: Directory

    def ask(self, query: Query, host: str) -> Deferred[Any]:
        """Return the answer; it fails as the query's class says."""
        match query:
            case ReadHistory():
                return self.history.read(query.place, query.part, query.layers)
            case FindEntry():
                return self.history.find(query.uid)
            case ReadTargets():
                return self.history.targets(
                    query.account,
                    query.rooms,
                    query.since,
                    query.after,
                    query.before,
                    query.limit,
                )
            case SearchHistory():
                return self.searcher.search(query.search)
            case DirectoryQuery():
                return self.directory.ask(query)
            case MakeInvitation():
                return Deferred.fromCoroutine(self.inviting.make(query))
            case Rehash():
                return succeed(self.administration.rehash())
            case RevokeCertificates():
                return self.administration.revoke(query)
            case ReadFigures():
                return succeed(self.administration.figures())
            case Restart():
                self.administration.restart()
                return succeed(None)
        return self.gatekeeper.ask(query, host)
