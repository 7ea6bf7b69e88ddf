"""The server as a Twisted service: what starts in which order, and how it ends."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from attrs import evolve
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as DeadlineError
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort
from twisted.internet.protocol import ServerFactory
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from chat.features.feature import RevokeCertificates
from chat.features.feature import load as load_features
from chat.irc.casemap import CASEMAPPINGS
from chat.network import devices
from chat.network.certificate import Certificate
from chat.network.events import DeviceRemoved, NodeStarted
from chat.network.figures import Figures
from chat.network.modes import HISTORY
from chat.network.retention import of_network, of_room
from chat.network.state import Network
from chat.pki.authority import Identity
from chat.pki.errors import PkiError
from chat.server.answers import Answers
from chat.server.authority import IssuingAuthority
from chat.server.backoff import Backoff
from chat.server.certificates import SessionCertificates
from chat.server.config import Config, ConfigError, load, make_settings, parse_address
from chat.server.directory import Directory
from chat.server.ending import rehash_on_sighup, start_again
from chat.server.enrolment import Enrolment, Enrolments
from chat.server.factory import ChatFactory
from chat.server.gatekeeper import Gatekeeper
from chat.server.hub import Hub
from chat.server.inviting import Inviting
from chat.server.listening import listen_tls
from chat.server.releasing import release
from chat.server.report import unusual
from chat.server.revoking import Revoking
from chat.server.tls import ServerTLS, WebTLS
from chat.server.upkeep import Upkeep
from chat.server.watch import INTERVAL, Watch
from chat.store.interfaces import UnavailableError, UnusableError
from chat.store.store import Store, open_store

_log = Logger()

#: Seconds between two checkpoints of the channels.
_CHECKPOINT = 60.0
#: Seconds between two looks at what comes near its end.
_LOOK = 3600.0
#: Seconds that tickets have the same keys: a ticket is taken for less time than that.
_ROTATE = 86400.0
#: Seconds between two looks for certificates of sessions that have ended.
_END = 1.0
#: Seconds between two times of deleting what is beyond the bounds of history.
_PRUNE = 300.0
#: Seconds between two looks at whether the server keeps up.
_REPORT = 60.0
#: Seconds between two looks for kept clients that should not be there any more.
_RELEASE = 86_400.0
#: Seconds at the end for a checkpoint, and for what the log was given: an end takes under 5.
_LAST_CHECKPOINT, _DRAIN = 1.0, 2.0


class ChatService(Service):
    """Opens the store, folds the log, listens; and at the end the other way round.

    ``give_up`` is called when one of these fails; it stops the reactor.
    """

    def __init__(
        self,
        reactor: Any,
        path: Path,
        config: Config,
        tls: ServerTLS,
        give_up: Callable[[], None] | None = None,
    ) -> None:
        self._reactor = reactor
        self._give_up = give_up or reactor.stop
        self._path = path
        self._config = config
        self._tls = tls
        self._features = load_features()
        self._network = Network(CASEMAPPINGS[config.network.casemapping])
        self._ports: list[IListeningPort] = []
        self._loops: list[LoopingCall] = []
        self._issuing = IssuingAuthority(lambda: self._config)
        self._store: Store | None = None
        self._hub: Hub | None = None
        self._gatekeeper: Gatekeeper | None = None
        self._upkeep: Upkeep | None = None
        self._watch = Watch(lambda: [*tls.files.all, *self._issuing.files], self._take)
        self._certificates: SessionCertificates | None = None
        self._revoking = Revoking(
            self._network, self._issuing, lambda: tls.credentials.revocations, self._take
        )
        #: The figures of the last report.
        self._reported: Figures | None = None

    def startService(self) -> None:
        """Begin to start; the server stops by itself when that fails."""
        Service.startService(self)
        started = Deferred.fromCoroutine(self._start())
        started.addErrback(self._failed_to_start)

    def stopService(self) -> Deferred[None]:
        """Tell the clients, write what was promised, close the database."""
        Service.stopService(self)
        return Deferred.fromCoroutine(self._stop())

    async def _start(self) -> None:
        config, reactor = self._config, self._reactor
        store = self._store = await open_store(
            reactor,
            config.database.url,
            config.directory,
            deadline=config.limits.database_timeout,
            performance=config.performance,
        )
        checkpoint = await store.checkpoints.load()
        self._network.restore(checkpoint.records)
        settings = make_settings(config, datetime.now(UTC))
        hub = self._hub = Hub(reactor, store.log, self._network, settings, self._features)
        store.log.crowded = hub.brake.set_crowded
        await store.log.subscribe(checkpoint.sequence, hub.apply)
        self._gatekeeper = Gatekeeper(reactor, store.accounts, config.operators)
        self._gatekeeper.start()
        inviting = Inviting(
            lambda: self._config, lambda: self._tls.enrols, self._issuing, store.invitations
        )
        directory = Directory(
            self._network,
            store.directory,
            store.queues,
            store.accounts,
            reactor.seconds,
            lambda: b"".join(each.pem for each in self._tls.credentials.revocations.lists),
        )
        answers = Answers(
            self._gatekeeper, store.history, store.searcher, self, inviting, directory
        )
        factory = ChatFactory(hub, answers, self._tls)
        factory.enrolments = self._enrolments(store, self._gatekeeper)
        self._certificates = factory.certificates
        self._upkeep = Upkeep(lambda: self._config, store.invitations, directory)
        self._listen(factory)
        # Behind the ports: a second server on them must fail before it ends the first one's
        # sessions.  Nobody's session can come before it in the log.
        started = hub.stamp(NodeStarted(settings.server))
        hub.started, hub.replaced = started.uid, self._replaced
        hub.device_removed = self._device_removed
        hub.certificates_gone = directory.sweep_soon
        await store.log.append([started], deadline=config.limits.database_timeout)
        # Somebody may have been revoked while the server did not run.
        factory.certificates.end_revoked()
        rehash_on_sighup(reactor, self.rehash)
        self._every(_CHECKPOINT, self._checkpoint)
        self._every(_LOOK, self._look)
        self._repeat(_ROTATE, self._tls.rotate_ticket_keys)
        self._repeat(INTERVAL, self._watch.look)
        self._repeat(_END, factory.certificates.end_expired)
        self._every(_PRUNE, self._prune)
        self._every(_REPORT, self._report)
        self._every(_RELEASE, self._release)
        _log.info("Ready: {network} at {server}", network=settings.network, server=settings.server)

    def _enrolments(self, store: Store, gatekeeper: Gatekeeper) -> Enrolments | None:
        """Return who makes certificates, where the issuing authority's key is on this machine."""
        self._tls.enrols = self._issuing.is_here
        if not self._tls.enrols:
            return None
        service = Enrolment(
            network=lambda: self._config.network.name,
            wants_password=lambda: self._config.accounts.password == "required",  # noqa: S105
            accounts=store.accounts,
            invitations=store.invitations,
            gatekeeper=gatekeeper,
            issuing=self._issuing,
            refusal=self._refusal_of_device,
            backoff=Backoff(),
            seconds=self._reactor.seconds,
        )
        grace = lambda: timedelta(days=self._config.authority.grace_days)  # noqa: E731
        return Enrolments(service, self._tls, grace)

    def _refusal_of_device(self, identity: Identity, certificate: x509.Certificate) -> str | None:
        """Return why the network lets a device in no more, where it does not."""
        if self._tls.credentials.revocations.revokes(certificate):
            return f"The certificate of {identity} is revoked"
        known = Certificate(
            certificate.fingerprint(SHA256()).hex(),
            account=identity.account,
            device=identity.device,
        )
        return devices.refusal(self._network, known, identity.account)

    def _listen(self, chat: ChatFactory) -> None:
        listen = self._config.listen
        for address in listen.tls:
            port = self._open(address, self._tls, chat)
            _log.info("Listening on {address}", address=port)
        if not listen.websocket:
            return
        # Where nobody wants it, the library takes neither time nor memory.
        from chat.server.websocket import WebSocketFactory

        web = WebSocketFactory(chat, lambda: self._config.listen.websocket_origins)
        for address in listen.websocket:
            port = self._open(address, WebTLS(self._tls), web)
            _log.info("Listening for WebSocket on {address}", address=port)

    def _open(self, address: str, tls: ServerTLS | WebTLS, factory: ServerFactory) -> object:
        """Listen, and return what the listener calls its address."""
        host, number = parse_address(address)
        port = listen_tls(number, factory, tls, host, self._reactor)
        self._ports.append(port)
        return port.getHost()

    def _every(self, seconds: float, call: Any) -> None:
        self._repeat(seconds, lambda: Deferred.fromCoroutine(call()))

    def _repeat(self, seconds: float, call: Callable[[], object]) -> None:
        loop = LoopingCall(call)
        loop.clock = self._reactor
        self._loops.append(loop)
        loop.start(seconds).addErrback(
            lambda failure: _log.failure("A recurring task ended", failure)
        )

    def _failed_to_start(self, failure: Failure) -> None:
        if failure.check(UnavailableError, UnusableError, CannotListenError, OSError, ValueError):
            _log.critical("Cannot start: {why}", why=failure.getErrorMessage())
        else:
            _log.failure("Cannot start", failure)
        self._give_up()

    def rehash(self) -> str | None:
        """Read the configuration and the certificates again; return what is wrong, if anything.

        Addresses, the database and the log's sizes stay as they were until a restart.
        """
        try:
            config = load(self._path)
            self._take()
        except (ConfigError, PkiError, OSError) as error:
            _log.error("The configuration is not taken into use: {why}", why=error)
            return str(error)
        if self._hub is None or self._gatekeeper is None:
            return "The server has not started yet"
        fresh = make_settings(config, datetime.now(UTC))
        self._hub.set_settings(evolve(fresh, started=self._hub.settings.started))
        self._gatekeeper.set_operators(config.operators)
        self._config = config
        self._issuing.forget()
        _log.info("The configuration was read again")
        return None

    def _take(self, note: str = "") -> None:
        """Take the certificates on disk into use, for those who are connected too.

        Raises as `ServerTLS.reload`.
        """
        self._issuing.forget()
        self._tls.reload(datetime.now(UTC))
        credentials = self._tls.credentials
        _log.info(
            "In use: the server's certificate until {end:%Y-%m-%d}, revocation lists {numbers}",
            end=credentials.certificate.not_valid_after_utc,
            numbers=", ".join(str(each.number) for each in credentials.revocations.lists),
        )
        if self._certificates is not None:
            self._certificates.end_revoked(note)

    def revoke(self, query: RevokeCertificates) -> Deferred[tuple[str, ...]]:
        """Have the authority revoke certificates, and end their sessions."""
        return Deferred.fromCoroutine(self._revoking.ask(query))

    def _device_removed(self, event: DeviceRemoved) -> None:
        revoked = Deferred.fromCoroutine(self._revoking.removed(event))
        revoked.addErrback(lambda failure: _log.failure("A removed device", failure))

    def figures(self) -> Figures:
        """Return what the log measured, and how many sessions wait for it."""
        if self._store is None or self._hub is None:
            raise UnavailableError("the server has not started yet")
        hub = self._hub
        return evolve(
            self._store.log.figures(),
            held=hub.brake.held,
            overloads=hub.brake.overloads,
            refused=hub.refused,
            alarms=self._upkeep.alarms if self._upkeep is not None else (),
        )

    def restart(self) -> None:
        """End, and start again with the same arguments."""
        self._reactor.callLater(0, start_again, self._reactor)

    def _replaced(self) -> None:
        """End: another server started on the same database, and its state is now the right one."""
        _log.critical("Another server started on this database: this one ends")
        self._give_up()

    async def _stop(self) -> None:
        for port in self._ports:
            port.stopListening()
        for loop in self._loops:
            if loop.running:
                loop.stop()
        if self._hub is not None:
            for connection in list(self._hub.connections.values()):
                connection.machine.close("The server is shutting down", at_once=True)
        if self._gatekeeper is not None:
            self._gatekeeper.stop()
        if self._store is not None:
            checkpoint = Deferred.fromCoroutine(self._checkpoint())
            try:
                await checkpoint.addTimeout(_LAST_CHECKPOINT, self._reactor)
            except DeadlineError:
                _log.warn("No checkpoint at the end: the next start reads more of the log")
            await self._store.close(_DRAIN)

    async def _checkpoint(self) -> None:
        """Bring the checkpoint up to where the state is, if anything was logged since."""
        store = self._store
        if store is None:
            return
        position = store.log.position
        changed, removed = self._network.take_touched()
        try:
            await store.checkpoints.save(position, changed, removed)
        except UnavailableError as error:
            self._network.touch([*map(self._network.key_of, changed), *removed])
            _log.warn("No checkpoint: {why}", why=error)

    async def _prune(self) -> None:
        """Delete what is beyond the bounds of history."""
        store, hub = self._store, self._hub
        if store is None or hub is None:
            return
        history = hub.settings.history
        rooms = {
            channel.name: of_room(channel, history)
            for channel in self._network.channels.values()
            if HISTORY in channel.modes
        }
        try:
            deleted = await store.pruner.run(of_network(history), rooms, hub.now())
        except UnavailableError as error:
            if self.running:
                _log.warn("What is beyond the bounds stays for now: {why}", why=error)
            return
        if deleted:
            _log.info("Deleted {count} events that are beyond the bounds", count=deleted)

    async def _report(self) -> None:
        """Write to the log what was unusual since the last look."""
        figures = self.figures()
        for text in unusual(self._reported or figures, figures):
            _log.warn("{text}", text=text)
        self._reported = figures

    async def _release(self) -> None:
        """Release the kept clients that are not to be kept any more."""
        store, hub = self._store, self._hub
        if store is not None and hub is not None:
            await release(hub, store.accounts, self._config)

    async def _look(self) -> None:
        """Look after what comes near its end: the server's own, and that of those who are here."""
        if self._upkeep is None or self._certificates is None:
            return
        await self._upkeep.look()
        self._watch.retry()
        self._certificates.warn_all()
        await self._revoking.catch_up()
