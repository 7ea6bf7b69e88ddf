"""One thing that a program has a client do, without a conversation: the rules of such tasks.

A task is told what comes and says what to send; it does no input or output, and
knows no time.  `chat.client.script` connects it to a server.
Source for the absence: https://ircv3.net/specs/extensions/pre-away
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from attrs import frozen

from chat.client.events import ClientEvent
from chat.client.handlers import HANDLERS
from chat.client.registration import Effects, Identity, Phase, Registration
from chat.client.state import ClientState
from chat.irc.message import Message

#: What every task asks for when the server has it.
BASIC = (
    "account-tag",
    "batch",
    "draft/multiline",
    "draft/pre-away",
    "echo-message",
    "labeled-response",
    "message-tags",
    "sasl",
    "securechat/id",
    "server-time",
    "standard-replies",
)
#: What is the connection's own matter; all else is the task's.
_OURS = frozenset({"PING", "005", "NICK", "ERROR"})
#: The end of the welcome, by which the server has said what it can.
_WELCOMED = frozenset({"376", "422"})


@frozen
class Progress(ClientEvent):
    """The server has answered something of the task; what else there is to tell derives from it."""


@frozen
class Done(ClientEvent):
    """The task is done."""


@frozen
class Failed(ClientEvent):
    """The task cannot be done; ``reason`` says why, and what to do.

    ``is_uncertain``: some of it may be done, and nobody said so.
    """

    reason: str
    is_uncertain: bool = False


@frozen
class Postponed(ClientEvent):
    """The server cannot do it now: `Task.resume` is worth an attempt a little later."""


class Task(Protocol):
    """What a client is there for, over one connection or several; progress is events of its own."""

    wanted: tuple[str, ...]

    @property
    def is_waiting(self) -> bool:
        """Whether the server owes an answer."""

    @property
    def is_uncertain(self) -> bool:
        """Whether what was sent may have been done, and nobody said so."""

    def begin(self, state: TaskState) -> Effects:
        """Begin, or go on, over a connection that was just made."""

    def resume(self, state: TaskState) -> Effects:
        """Send what can be sent now."""

    def hear(self, state: TaskState, message: Message) -> Effects:
        """Deal with a message of the server."""


class TaskState(ClientState):
    """A connection that serves one task: no rooms, nothing that a person is told.

    It counts as absent, where the server knows that: nobody sees its account come back.
    """

    def __init__(self, task: Task, identity: Identity) -> None:
        super().__init__(identity)
        self.registration = Registration(identity, wanted=task.wanted)
        self._task = task

    def can(self, *capabilities: str) -> bool:
        """Return whether the server has agreed to all these."""
        return self.registration.capabilities.issuperset(capabilities)

    def resume(self) -> list[ClientEvent]:
        """Have the task send what it can send now, and return what that tells."""
        return self._perform(self._task.resume(self)) if self.phase is Phase.ONLINE else []

    def receive(self, message: Message) -> list[ClientEvent]:
        """Take one message of the server, of a batch or not, and return what it tells."""
        return self._perform(self._dispatch(message))

    def _dispatch(self, message: Message) -> Effects:
        if self.registration.concerns(message.command):
            for effect in self.registration.receive(message):
                if effect == Message("CAP", ("END",)) and self.can("draft/pre-away"):
                    yield Message("AWAY", ("*",))
                yield effect
        elif message.command in _OURS:
            parameters, handler = HANDLERS[message.command]
            if len(message.params) >= parameters:
                yield from handler(self, message)
        elif self.phase is Phase.ONLINE:
            if message.command in _WELCOMED:
                yield from self._task.begin(self)
            else:
                yield from self._task.hear(self, message)


def refusal(message: Message) -> str | None:
    """Return why the server did not do something, if that is what ``message`` says."""
    if message.command == "FAIL" or "400" <= message.command <= "599":
        return message.text()
    return None


def is_passing(message: Message) -> bool:
    """Return whether a refusal is the server's own trouble, which passes."""
    return message.command == "400" or "TEMPORARILY_UNAVAILABLE" in message.params[:2]


def names(state: ClientState, words: Iterable[str], target: str) -> bool:
    """Return whether one of ``words`` is ``target``, as the server compares names."""
    fold = state.rooms.isupport.fold
    return fold(target) in map(fold, words)
