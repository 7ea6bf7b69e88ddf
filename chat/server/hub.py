"""The middle of the server: log -> apply -> fan-out."""

from __future__ import annotations

import secrets
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Sequence

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from chat.features.feature import Features
from chat.features.rendering import render
from chat.irc.message import serialize_limited
from chat.network.changes import Change, PayloadsWaiting, SessionsClosed
from chat.network.events import CertificatesRevoked, DeviceRemoved, Entry, Event, NodeStarted
from chat.network.ids import EventId, SessionId, Timestamp
from chat.network.resending import named_id
from chat.network.settings import Settings
from chat.network.state import Network
from chat.server.brake import Brake
from chat.server.connections import IConnection
from chat.session.dispatch import UNCONFIRMED
from chat.store.interfaces import IEventLog, UnavailableError

_log = Logger()


class Hub:
    """Gives the log's entries to the state, and what they change to the sessions.

    ``connections`` are all sessions on this node, by id.
    """

    def __init__(
        self,
        clock: IReactorTime,
        log: IEventLog,
        network: Network,
        settings: Settings,
        features: Features,
    ) -> None:
        self.clock = clock
        self.network = network
        self.settings = settings
        self.features = features
        self.connections: dict[SessionId, IConnection] = {}
        self.brake = Brake(clock)
        #: Commands that were refused because they were not stored in time.
        self.refused = 0
        #: The entry with which this process took the log, once it has.
        self.started: EventId | None = None
        #: Called when another process takes the log: a network has one server.
        self.replaced: Callable[[], None] = lambda: None
        #: Called when somebody has removed a device.
        self.device_removed: Callable[[DeviceRemoved], None] = lambda event: None
        #: Called when certificates let nobody in any more, also those of removed devices.
        self.certificates_gone: Callable[[], None] = lambda: None
        self._log = log
        self._ids = _Ids()

    def set_settings(self, settings: Settings) -> None:
        """Let these settings hold for everybody from now on."""
        self.settings = settings
        for connection in self.connections.values():
            connection.machine.settings = settings

    def now(self) -> Timestamp:
        """Return the time of day."""
        return Timestamp(time.time_ns() // 1_000_000)

    def stamp(self, event: Event, origin: SessionId | None = None) -> Entry:
        """Return the entry for an event that happens now."""
        named = named_id(event)
        uid = named or self._ids.next()
        return Entry(uid, self.now(), event, origin, is_named=named is not None)

    def append(self, entries: Sequence[Entry], done: Callable[[str | None], None]) -> None:
        """Put ``entries`` in the log; call ``done`` with ``None`` once applied, or with why not."""
        appended = self._log.append(entries, deadline=self.settings.limits.database_timeout)
        appended.addCallbacks(done, lambda failure: done(self._explain(failure)))
        appended.addErrback(_log_what_followed)

    def _explain(self, failure: Failure) -> str:
        if failure.check(UnavailableError) is None:
            _log.failure("An append to the log failed", failure)
            return _INTERNAL
        # A line for each would be all that the server's log holds of a bad hour.
        self.refused += 1
        return UNCONFIRMED

    def append_surely(self, entry: Entry) -> Deferred[None]:
        """Put ``entry`` in the log however long that takes."""

        def failed(failure: Failure) -> None:
            # At the end of the server it is refused, and nobody needs it any more.
            if failure.check(UnavailableError) is None:
                _log.failure("An append failed", failure)

        return self._log.append([entry], deadline=None).addErrback(failed)

    def apply(self, entries: Sequence[Entry]) -> None:
        """Apply what the log gives, in order, and show it to whom it concerns."""
        for entry in entries:
            if isinstance(entry.event, NodeStarted) and self.started not in (None, entry.uid):
                self.replaced()
                return
            try:
                changes = self.network.apply(entry)
            except Exception:
                # One fault must not keep the rest of the log from the state.
                _log.failure("The entry {uid} was not applied", uid=entry.uid)
                continue
            for change in changes:
                self._show_safely(entry, change)
            if isinstance(entry.event, DeviceRemoved):
                self.device_removed(entry.event)
            if isinstance(entry.event, DeviceRemoved | CertificatesRevoked):
                self.certificates_gone()

    def _show_safely(self, entry: Entry, change: Change) -> None:
        try:
            self._show(entry, change)
        except Exception:
            _log.failure("The entry {uid} was not shown to all", uid=entry.uid)

    def _show(self, entry: Entry, change: Change) -> None:
        if isinstance(change.fact, SessionsClosed):
            for session in change.sessions:
                if session in self.connections:
                    self.connections[session].machine.close(change.fact.reason)
            return
        if isinstance(change.fact, PayloadsWaiting):
            for session in change.sessions:
                if session in self.connections:
                    self.connections[session].machine.fetch()
            return
        rendered: dict[frozenset[str], bytes] = {}
        origin = None if change.is_delivery else entry.origin
        for session in change.sessions:
            connection = self.connections.get(session)
            if connection is None:
                continue
            machine = connection.machine
            if session == origin:
                machine.show_own(entry, change.fact)
                continue
            capabilities = machine.session.capabilities
            data = rendered.get(capabilities)
            if data is None:
                viewer = machine.viewer(is_origin=False)
                lines = render(self.features, entry, change.fact, viewer)
                data = rendered[capabilities] = b"".join(map(serialize_limited, lines))
            if data:
                connection.write(data)


def _log_what_followed(failure: Failure) -> None:
    _log.failure("After an append", failure)


class _Ids:
    """Ids of entries, which nobody can guess.

    The system is asked for the randomness of many at once: each time costs more than the rest
    of an id, and lets another thread have the interpreter.
    """

    def __init__(self) -> None:
        self._left: list[EventId] = []

    def next(self) -> EventId:
        """Return one that was never given."""
        if not self._left:
            data = secrets.token_bytes(_ID * 256)
            pieces = (data[start : start + _ID] for start in range(0, len(data), _ID))
            self._left = [EventId(urlsafe_b64encode(each).rstrip(b"=").decode()) for each in pieces]
        return self._left.pop()


#: Bytes of randomness in an id.
_ID = 16
_INTERNAL = "The server could not do this; its log says why"
