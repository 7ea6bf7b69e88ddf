"""The machine of one session: lines and facts come in, lines and events go out.

Commands start in the order in which they came.  A command waits until those
before it are complete, their events applied, except that messages may follow
messages, up to a number: so a client that sends many of them fills one commit
with them.  What they lead to leaves in the order of the commands.  While the log
has too much to store, what would append to it does not start.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import evolve

from chat.features import e2e
from chat.features.feature import (
    Audit,
    Close,
    Command,
    Effects,
    Features,
    Query,
    Request,
    Update,
    Viewer,
)
from chat.features.rendering import complete, render
from chat.irc.message import (
    MAX_CLIENT_TAGS,
    LineTooLongError,
    MalformedLineError,
    Message,
    NotUtf8Error,
    parse,
    serialize_limited,
)
from chat.irc.numerics import ERR_INPUTTOOLONG, ERR_UNKNOWNERROR, Reply
from chat.irc.standard_replies import StandardReply, fail
from chat.network.changes import NicknameTaken, Welcomed
from chat.network.events import Entry, Event, SessionAbandoned, SessionEnded, SessionOpened
from chat.network.history import Span
from chat.network.ids import Timestamp
from chat.network.session import TRANSITIONS, Phase, Session
from chat.network.settings import Settings
from chat.network.state import Network
from chat.session.collector import Collector
from chat.session.dispatch import dispatch, unavailable
from chat.session.flood import Allowance, warning
from chat.session.shell import Shell

_FAULT = "The server could not do this: it is a fault of its own, and in its log"
#: Messages of one session that may be on their way through the log.
PIPELINE = 64
#: Seconds that the end of a session waits for the log.
_PATIENCE = 1.0


class SessionMachine:
    """Drives one session; ``session`` holds its facts."""

    def __init__(
        self,
        session: Session,
        shell: Shell,
        network: Network,
        settings: Settings,
        features: Features,
    ) -> None:
        self.session = session
        #: The configuration may be read again while the session lasts.
        self.settings = settings
        self._shell = shell
        self._network = network
        self._features = features
        # Both are short, and as lists a tenth of the memory that two deques take of each client.
        self._waiting: list[Message | Reply | StandardReply] = []
        self._running: list[Collector] = []
        self._is_working = False
        self._is_refilling = False
        #: Whether the next command waits until the log has less to store.
        self.is_held = False
        self._is_told_of_flood = False
        limits = settings.limits
        self._allowance = Allowance.full(limits.flood_burst, limits.flood_rate, shell.seconds())

    @property
    def nick(self) -> str:
        """How numerics address the client."""
        client = self._network.sessions.get(self.session.id)
        return client.nick if client is not None else self.session.nick or "*"

    @property
    def is_full(self) -> bool:
        """Whether no more lines should be read: too many wait, or the next one is held."""
        return self.is_held or len(self._waiting) >= self.settings.limits.recvq

    # Lines

    def line_received(self, line: bytes) -> None:
        """Take one line, without its ending."""
        if self.session.phase is Phase.CLOSED or not line:
            return
        try:
            self._waiting.append(parse(line, tag_limit=MAX_CLIENT_TAGS))
        except NotUtf8Error as error:
            self._waiting.append(fail(error.command, "INVALID_UTF8", text=str(error)))
        except LineTooLongError:
            self.line_too_long()
        except MalformedLineError:
            return
        self._work()

    def line_too_long(self) -> None:
        """Take note of a line that was too long to be read."""
        self._waiting.append(ERR_INPUTTOOLONG())
        self._work()

    def _work(self) -> None:
        """Start what may start; a command that completes at once does not nest the next."""
        if self._is_working:
            return
        self._is_working = True
        try:
            while self._waiting and self.session.phase is not Phase.CLOSED and self._start_next():
                pass
        finally:
            self._is_working = False
        if not self._waiting:
            self._shell.drained()

    def _start_next(self) -> bool:
        item = self._waiting[0]
        message = item if isinstance(item, Message) else None
        command = self._command_of(message) if message is not None else None
        pipelined = command is not None and command.pipelined
        if self._running and not (pipelined and self._has_room()):
            return False
        if command is not None and command.appends and self._must_hold():
            return False
        if self._must_refill(command.cost_of(message) if message and command else 1):
            return False
        del self._waiting[0]
        if message is not None:
            self._start(message, command)
        else:
            self._shell.write(serialize_limited(self._complete(item)))
        return True

    def _has_room(self) -> bool:
        """Return whether one more message may follow those that are on their way."""
        # Behind one that is not pipelined nothing starts: where the last one is, all are.
        return len(self._running) < PIPELINE and self._running[-1].pipelined

    def _must_hold(self) -> bool:
        if not self.is_held:
            self.is_held = self._shell.must_wait()
        return self.is_held

    def go_on(self) -> None:
        """Start what was held: the log has less to store."""
        if self.session.phase is not Phase.CLOSED:
            self.is_held = False
            self._work()

    def _command_of(self, message: Message) -> Command | None:
        """Return the row of the dispatch table; a line of a batch belongs to BATCH."""
        in_batch = "batch" in message.tags and "draft/multiline" in self.session.capabilities
        return self._features.commands.get("BATCH" if in_batch else message.command)

    def _label_of(self, message: Message) -> str | None:
        """Return with what the response is labelled: a whole batch with the label of its start."""
        if "labeled-response" not in self.session.capabilities:
            return None
        if message.command == "BATCH":
            batch = self.session.batch
            return (
                batch.label
                if batch is not None and message.text() == f"-{batch.reference}"
                else None
            )
        return message.tags.get("label")

    def _start(self, message: Message, command: Command | None) -> None:
        is_pipelined = command is not None and command.pipelined
        collector = Collector(message.command, is_pipelined, self._label_of(message))
        self._running.append(collector)
        request = Request(
            message,
            self.session,
            self._network,
            self.settings,
            self._features,
            self._shell.now(),
        )
        self._run(collector, dispatch(command, request), [])

    def _must_refill(self, cost: float) -> bool:
        if self._is_refilling:
            return True
        if not self.settings.limits.flood:
            return False
        seconds = self._allowance.wait(cost, self._shell.seconds())
        if seconds:
            self._is_refilling = True
            self._shell.later(seconds, self._refilled)
            self._announce_flood()
        return bool(seconds)

    def _announce_flood(self) -> None:
        """Say once for each flood why answers take so long."""
        if self._is_told_of_flood or self.session.phase is not Phase.REGISTERED:
            return
        self._is_told_of_flood = True
        told = warning(self.settings, self.session.capabilities, self.nick)
        self._shell.write(serialize_limited(told))

    def _refilled(self) -> None:
        self._is_refilling = False
        self._work()
        if not self._waiting:
            self._is_told_of_flood = False

    # Effects

    def _run(
        self, collector: Collector, effects: Effects, events: list[Event], sent: Any = None
    ) -> None:
        """Drive a handler to its end or its next question; then append its events."""
        if self.session.phase is Phase.CLOSED:
            effects.close()
            return
        while True:
            try:
                effect = effects.throw(sent) if isinstance(sent, Exception) else effects.send(sent)
            except StopIteration:
                break
            except Exception:
                # A fault of ours costs one command, and neither the session nor a traceback to it.
                self._shell.fault(collector.command)
                collector.add(self._complete(ERR_UNKNOWNERROR(collector.command, _FAULT)))
                break
            sent = None
            match effect:
                case Event():
                    events.append(effect)
                case Query():
                    self._shell.ask(
                        effect, lambda answer: self._run(collector, effects, events, answer)
                    )
                    return
                case Update():
                    self._become(effect.session)
                case Close():
                    self._finish(collector)
                    self.close(effect.reason)
                    return
                case Audit():
                    self._shell.audit(effect.text)
                case _:
                    collector.add(self._complete(effect))
        if events:
            entries = tuple(map(self._shell.stamp, events))
            collector.entries = frozenset(entry.uid for entry in entries)
            self._shell.append(entries, lambda failed: self._appended(collector, failed))
        else:
            self._finish(collector)
            self._work()

    def _appended(self, collector: Collector, failed: str | None) -> None:
        if self.session.phase is Phase.CLOSED:
            return
        if failed is not None:
            reply = unavailable(collector.command, self.session.capabilities, failed)
            collector.add(self._complete(reply))
        self._finish(collector)
        if failed is not None and self.session.phase is Phase.CLAIMING:
            # It may be stored all the same, and must then not be followed by another claim.
            self.close(failed)
            return
        self._work()

    def _finish(self, collector: Collector) -> None:
        collector.done = True
        lines = []
        while self._running and self._running[0].done:
            lines += self._running.pop(0).release(self.settings.server)
        if lines and self.session.phase is not Phase.CLOSED:
            self._shell.write(b"".join(map(serialize_limited, lines)))

    def _complete(self, reply: Message | Reply | StandardReply) -> Message:
        if isinstance(reply, StandardReply):
            return reply.message(self.settings.server)
        return complete(reply, self.settings.server, self.nick)

    def _become(self, session: Session) -> None:
        before = self.session.phase
        if session.phase is not before and session.phase not in TRANSITIONS[before]:
            raise ValueError(f"A session cannot go from {before} to {session.phase}")
        self.session = session

    # Facts

    def show_own(self, entry: Entry, fact: object) -> None:
        """Take a fact that this session's own command led to, into that command's response."""
        if self.session.phase is Phase.CLOSED:
            return
        match fact:
            case Welcomed():
                self._become(
                    evolve(
                        self.session,
                        phase=Phase.REGISTERED,
                        nick=fact.client.nick,
                        client=fact.client.id,
                    )
                )
                if fact.absent_since is not None:
                    self._replay(fact.absent_since, entry)
            case NicknameTaken() if self.session.phase is Phase.CLAIMING:
                self._become(evolve(self.session, phase=Phase.REGISTERING, nick=None))
        lines = render(self._features, entry, fact, self.viewer(is_origin=True))
        # A message that is sent twice at once waits twice: the later one is the repeat.
        running = reversed(self._running) if entry.is_repeat else self._running
        waiting = next((one for one in running if entry.uid in one.entries), None)
        if waiting is not None:
            for line in lines:
                waiting.add(line)
        else:
            # Its command was answered: at its deadline, before the commit was known.
            self._shell.write(b"".join(map(serialize_limited, lines)))

    def _replay(self, since: Timestamp, until: Entry) -> None:
        """Have what the device missed read and told, before the client's next command."""
        limit = self.settings.limits.replay
        missed = Span(limit, after=since, before=until.uid, from_end=True)
        self._become(evolve(self.session, missed=missed))
        self._waiting.insert(0, Message("REPLAY"))

    def fetch(self) -> None:
        """Have what waits for the device sent, before the client's next command."""
        if e2e.CAPABILITY in self.session.capabilities and e2e.FETCH not in self._waiting:
            self._waiting.insert(0, e2e.FETCH)
            self._work()

    def viewer(self, *, is_origin: bool) -> Viewer:
        """Return for whom facts are rendered."""
        return Viewer(
            self.session.capabilities,
            is_origin,
            self.nick,
            self._network,
            self.settings,
            self._features,
        )

    # The beginning and the end

    def opened(self) -> None:
        """Begin: the network counts the session."""
        self._shell.append_surely(self._shell.stamp(SessionOpened(self.session.id)))

    def close(self, reason: str, *, at_once: bool = False) -> None:
        """End the session, and then tell the client with ERROR: who reads it is gone for all.

        The client is not kept waiting for a log that does not answer; with
        ``at_once`` it is not kept waiting at all.
        """
        if self.session.phase is Phase.CLOSED:
            return
        is_told = False

        def tell() -> None:
            nonlocal is_told
            if not is_told:
                is_told = True
                self._shell.write(serialize_limited(Message("ERROR", (reason,))))
                self._shell.close()

        if at_once:
            tell()
        self._end(reason, tell)
        if not is_told:
            self._shell.later(_PATIENCE, tell)

    def lost(self, reason: str) -> None:
        """End a session whose connection is gone."""
        if self.session.phase is not Phase.CLOSED:
            self._end(reason, lambda: None)

    def _end(self, reason: str, done: Callable[[], None]) -> None:
        client = self._network.sessions.get(self.session.id)
        # A claim that is on its way through the log is ended behind it.
        in_log = client is not None or self.session.phase is Phase.CLAIMING
        self._become(evolve(self.session, phase=Phase.CLOSED))
        self._waiting.clear()
        ended: Event = SessionAbandoned(self.session.id)
        if in_log:
            actor = client.actor if client is not None else None
            fingerprint = self.session.peer.fingerprint
            ended = SessionEnded(self.session.id, reason, actor, fingerprint)
        self._shell.append_surely(self._shell.stamp(ended), done)
