"""The conversation with one network: what happens is shown, what is typed is done.

`Conversation` joins a `chat.client.client.Client` to a `chat.console.front.Front`, which
reads and prints; it knows neither terminal nor socket.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from enum import Enum, auto

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from chat.client.annotating import reply
from chat.client.client import Client
from chat.client.events import (
    Answered,
    ClientEvent,
    DeviceInvited,
    Disconnected,
    MayBeLost,
    PasswordWanted,
    Registered,
    Rejected,
    Said,
)
from chat.client.history import Memory
from chat.client.outgoing import NotTakenError
from chat.client.protocol import Listener
from chat.client.text import compose
from chat.console import lines
from chat.console.commands import (
    Action,
    Answer,
    Close,
    CommandError,
    Compare,
    Encrypt,
    Go,
    Inspect,
    Leave,
    Send,
    SetKey,
    Show,
    Trust,
    TrustRoom,
    interpret,
)
from chat.console.completion import Completion
from chat.console.front import Front
from chat.console.guarding import Guard
from chat.console.picture import draw
from chat.console.view import View
from chat.irc.message import MalformedLineError, Message

#: Seconds that a server has for its next answer, at the end of input.
DRAIN = 30.0


class Stage(Enum):
    """Where the conversation is."""

    CONNECTING = auto()
    ONLINE = auto()
    OFFLINE = auto()
    DRAINING = auto()
    DONE = auto()


class Step(Enum):
    """What moves the conversation on."""

    WELCOMED = auto()
    LOST = auto()
    INPUT_ENDED = auto()
    ENDED = auto()


#: The only moves there are.
TRANSITIONS: Mapping[tuple[Stage, Step], Stage] = {
    (Stage.CONNECTING, Step.WELCOMED): Stage.ONLINE,
    (Stage.OFFLINE, Step.WELCOMED): Stage.ONLINE,
    # A server that was never there is a mistake to tell; one that went away returns.
    (Stage.CONNECTING, Step.LOST): Stage.DONE,
    (Stage.ONLINE, Step.LOST): Stage.OFFLINE,
    (Stage.DRAINING, Step.LOST): Stage.DONE,
    (Stage.ONLINE, Step.INPUT_ENDED): Stage.DRAINING,
    (Stage.OFFLINE, Step.INPUT_ENDED): Stage.DONE,
    **{(stage, Step.ENDED): Stage.DONE for stage in Stage if stage is not Stage.DONE},
}


class Conversation:
    """One network's, from the first attempt to connect until the end.

    ``closed`` fires at the end; ``rejection`` then says why it was not a normal one,
    and is ``None`` otherwise.
    """

    def __init__(
        self,
        connect: Callable[[Listener], Client],
        front: Front,
        clock: IReactorTime,
        now: Callable[[], datetime],
    ) -> None:
        self.closed: Deferred[None] = Deferred()
        self.rejection: str | None = None
        self.stage = Stage.OFFLINE if front.interactive else Stage.CONNECTING
        self._client = connect(self._heard)
        self.view = View(lambda: self._client.state, self._client.account)
        self._front = front
        self._clock = clock
        self._now = now
        self._lost_lines = 0
        self._farewell = ""
        self._deadline: IDelayedCall | None = None
        self._guard = Guard(self._client, self._say)
        front.attach(self)

    @property
    def unsent(self) -> int:
        """How many messages would be lost if all ended now, for want of a connection."""
        return self._client.waiting if self.stage is Stage.OFFLINE else 0

    def start(self) -> None:
        """Begin to connect."""
        self._client.start()

    def enter(self, text: str) -> None:
        """Do what a typed line says."""
        try:
            for action in interpret(self._front.where(self.view.here()), text):
                self._do(action)
        except CommandError as error:
            self._front.show([lines.error(str(error), self._now())])

    def leave(self, farewell: str) -> None:
        """Do as at the end of input, with a farewell to others."""
        self._farewell = farewell
        self.end_of_input()

    def end_of_input(self) -> None:
        """Wait until all that was sent is answered, and quit."""
        if self._advance(Step.INPUT_ENDED):
            if self.stage is Stage.DONE:
                unsent = self._client.waiting
                text = f"there is no connection, {unsent} messages were not sent: send them again"
                self._finish(text if unsent else None)
            else:
                self._watch()
                self._client.flush()

    def stop(self) -> Deferred[None]:
        """Quit at once; fires when everything is closed."""
        if self._advance(Step.ENDED):
            self._finish()
        stopped: Deferred[None] = Deferred()
        self.closed.addCallback(stopped.callback)
        return stopped

    def fail(self, why: str) -> None:
        """End at once, and not normally."""
        if self._advance(Step.ENDED):
            self._finish(why)

    def connect(self) -> None:
        """Try to connect now, if there is no connection."""
        if self.stage is Stage.OFFLINE:
            self._client.stop().addCallback(lambda _: self._client.start())

    def disconnect(self) -> None:
        """End the connection, and stay."""
        self._client.stop()

    def earlier(self, room: str, before: Said | None) -> bool:
        """Ask for what was said before a message; return whether that could be asked."""
        return self._client.earlier(room, before)

    def read(self, room: str, time: datetime) -> None:
        """Have other devices know up to when a room is read."""
        self._client.read(room, time)

    def unseal(self, said: Said) -> Said:
        """Return a message that was kept as its ciphertext, as far as it can be read."""
        return self._client.sealing.unseal(said)

    def typing(self, room: str, active: bool) -> None:
        """Have others know that somebody types, or does so no more."""
        self._client.typing(room, active)

    def say_again(self, said: Said) -> None:
        """Say again what was not sent."""
        here = self.view.here()
        for message in compose(said.manner, said.room, said.text, here.source_length, here.several):
            self._send(reply(message, said.reply_to) if said.reply_to else message)

    @property
    def memory(self) -> Memory:
        """What was told so far."""
        return self._client.memory

    def completions(self, before: str) -> Iterator[Completion]:
        """Yield what the text up to the cursor may become."""
        return self.view.completions(before)

    def _do(self, action: Action) -> None:
        match action:
            case Send(message):
                self._send(message)
            case Go(room):
                self.view.go(room)
            case Close(nick):
                self.view.forget(nick)
                self._front.forget(nick)
            case Show(text):
                self._front.show([lines.status(text, self._now())])
            case Leave(farewell):
                self._farewell = farewell
                self._front.leave(farewell)
            case Encrypt() | Compare() | Answer() | Inspect() | SetKey() | Trust() | TrustRoom():
                self._guard.do(action)
            case _:
                self._front.act(action)

    def _say(self, text: str) -> None:
        self._front.show([lines.status(text, self._now())])

    def _send(self, message: Message) -> None:
        try:
            self._client.deliver(message)
        except MalformedLineError as error:
            raise CommandError(f"{error}: nothing was sent") from error
        except NotTakenError as error:
            raise CommandError(str(error)) from error
        self._hold()

    def _hold(self) -> None:
        """Hold input back while messages wait, or there is no connection."""
        online = self.stage in (Stage.ONLINE, Stage.DRAINING)
        self._front.hold(bool(self._client.waiting) or not online)

    def _heard(self, event: ClientEvent) -> None:
        self.view.hear(event)
        self._guard.hear(event)
        # A connection that never was, or that we end, is told by how all ends.
        told = not isinstance(event, Disconnected) or self.stage is Stage.ONLINE
        if told or self.stage is Stage.OFFLINE:
            self._front.tell(event, self._now())
        if self.stage is Stage.DONE:
            return
        self._deal_with(event)
        self._hold()

    def _deal_with(self, event: ClientEvent) -> None:
        match event:
            case Registered():
                self._welcomed()
            case Disconnected(reason):
                self._lost(reason)
            case Answered():
                self._answered()
            case MayBeLost(lost):
                self._lost_lines += lost
            case DeviceInvited(code=code):
                drawn = draw(code)
                if self._front.can_draw(drawn):
                    self._front.show(lines.picture(drawn, self._now()))
            case Rejected(cause, remedy):
                self._rejected(f"{cause}: {remedy}")
            case PasswordWanted(account):
                self._front.ask_password(account).addCallback(self._log_in, account)

    def _welcomed(self) -> None:
        before = self.stage
        if self._advance(Step.WELCOMED) and before is Stage.CONNECTING:
            self._front.read()

    def _lost(self, reason: str) -> None:
        before = self.stage
        if not self._advance(Step.LOST):
            return
        if before is Stage.CONNECTING:
            self._finish(f"{reason}: check the address, and that the server runs")
        elif before is Stage.DRAINING:
            self._finish(f"{reason}: not everything that was sent is answered: send it again")

    def _rejected(self, why: str) -> None:
        self._advance(Step.LOST)
        if self._front.interactive and self.stage is Stage.OFFLINE:
            self._front.show([lines.error(f"{why} (then /connect tries again)", self._now())])
        else:
            self._finish(why)

    def _answered(self) -> None:
        self._watch()
        if self.stage is Stage.DRAINING and self._client.is_idle:
            lost = self._lost_lines and not self._front.interactive
            text = f"the connection broke, {self._lost_lines} lines may be lost: send them again"
            self._finish(text if lost else None)

    def _watch(self) -> None:
        """Give the server time for its next answer, once input has ended."""
        if self._deadline is not None and self._deadline.active():
            self._deadline.cancel()
        if self.stage is Stage.DRAINING:
            text = f"the server did not answer within {DRAIN:.0f} s: try again"
            self._deadline = self._clock.callLater(DRAIN, self._finish, text)

    def _log_in(self, password: str | None, account: str) -> None:
        if self.stage is Stage.DONE:
            return  # stopped while somebody was asked
        why = f"the server wants the password of {account}"
        if password:
            self._client.start(password)
        elif self._front.interactive:
            self._front.show([lines.error(f"{why}: /connect asks for it again", self._now())])
        else:
            self._finish(f"{why}: give --password-file FILE")

    def _advance(self, step: Step) -> bool:
        following = TRANSITIONS.get((self.stage, step))
        if following is None:
            return False
        self.stage = following
        return True

    def _finish(self, rejection: str | None = None) -> None:
        """Close everything; ``rejection`` says why this is not a normal end."""
        self._advance(Step.ENDED)
        self.rejection = rejection
        self._watch()
        stopped = self._client.stop(self._farewell)
        stopped.addCallback(lambda _: self._client.sealing.close())
        stopped.addCallback(lambda _: self._front.close()).chainDeferred(self.closed)
