"""What a client has to send, over all its connections: in order, and each message once.

What is said while there is no connection waits for the next one.  What a connection
took and the server did not answer before it broke is sent again under the name that it
had, by which the server knows it (docs/extensions.md); where the server knows no names,
it is told what may be lost.  No clock, no input, no output.
Sources: IRCv3 labeled-response, echo-message.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

from attrs import evolve, field, frozen

from chat.client.annotating import reply_to
from chat.client.events import (
    Answered,
    ClientEvent,
    Disconnected,
    Manner,
    MayBeLost,
    NotSent,
    Refused,
    Registered,
    Rejected,
    Said,
    SentAgain,
    Waiting,
    Writable,
)
from chat.client.text import uttered
from chat.irc.message import Message, serialize

#: Lines sent before the server's answer to a PING is waited for: fewer than the
#: flood limits of servers let through at once.
WINDOW = 8
#: Messages that wait at a time.
MOST_WAITING = 1_000

#: What our PINGs begin with; others have others.
_PREFIX = "sent-"
#: Refusals of a message to its target, from servers that do not say of which one (Modern
#: IRC, "Numerics"; InspIRCd and others, 408, 492 and 531).
_REFUSING = frozenset({"401", "403", "404", "408", "492", "531", "716"})
#: What says nothing, and has a name nevertheless, by which its refusal is known.
_ANNOTATING = frozenset({"TAGMSG", "REDACT"})


class NotTakenError(Exception):
    """A message was not taken, and will not be sent; the text says why."""


@frozen
class Answers:
    """How a server answers a message.

    ``repeats``: one with a name may be sent again, and is stored once; ``names``: the
    answer has its name; ``echoes``: it comes back, and is not told before.
    """

    repeats: bool = False
    names: bool = False
    echoes: bool = False


@frozen
class Item:
    """One message, and the name by which it is told of: ``""`` for a command."""

    message: Message
    name: str
    #: What is known of the server that it went to.
    answers: Answers = Answers()
    #: The encrypted lines that stand for it; none where it goes as it is.
    sealed: tuple[Message, ...] = field(default=(), repr=False)
    #: Why it may not be sent, if so.
    denial: str = ""

    @property
    def is_single(self) -> bool:
        """Whether it has one receiver: with several a refusal is one receiver's."""
        return "," not in self.message.params[0]

    def not_sent(self, reason: str) -> NotSent | None:
        """Return that it was refused; ``None`` for what says nothing."""
        words = _words(self.message)
        return NotSent(self.name, self.message.params[0], words[1], reason) if words else None


#: Returns what may be sent for an item, with a denial if it never may be, or ``None`` if not yet.
Seal = Callable[[Item], Item | None]


class Outgoing:
    """The messages that wait, and those that are not answered.

    `heard` is given every event of the client, and returns what is told in its place;
    after it, and after `add` and `flush`, `due` returns what to send now.  ``new_name``
    returns another name each time.
    """

    def __init__(self, new_name: Callable[[], str]) -> None:
        self._new_name = new_name
        self._waiting: deque[Item] = deque()
        #: What was sent and not answered, by number of the line.
        self._unanswered: dict[int, Item] = {}
        # Counts of lines: what was sent, up to where the server was asked for a PONG,
        # and up to where it gave one.
        self._sent = self._asked = self._confirmed = 0
        self._is_online = False
        self._is_writable = True

    @property
    def waiting(self) -> int:
        """How many messages are not sent yet."""
        return len(self._waiting)

    @property
    def is_idle(self) -> bool:
        """Whether all is sent and answered."""
        return not self._waiting and self._sent == self._confirmed

    def add(self, message: Message) -> str:
        """Take a message to send, and return its name.

        Raises `NotTakenError` when too many wait, when it waits and says nothing (a
        command is for the moment), and `MalformedLineError`.
        """
        serialize(message)
        says = _words(message) is not None
        if not says and not self._is_online:
            raise NotTakenError("There is no connection: nothing was sent")
        if len(self._waiting) >= MOST_WAITING:
            raise NotTakenError(f"{MOST_WAITING:,} messages wait already: this one was not taken")
        is_named = says or (message.command in _ANNOTATING and message.params)
        item = Item(message, self._new_name() if is_named else "")
        self._waiting.append(item)
        return item.name

    def told_of(self, message: Message, name: str) -> Iterator[ClientEvent]:
        """Yield what there is to tell of a message that was added just now."""
        words = _words(message)
        if words is not None:
            about = reply_to(message.tags)
            offline = not self._is_online
            yield Waiting(name, message.params[0], words[1], words[0], offline, about)

    def flush(self) -> None:
        """Have the server asked whether it has dealt with everything, also with nothing."""
        self._sent += 1

    def due(self, answers: Answers, seal: Seal = lambda item: item) -> list[Item]:
        """Return what to send now: as much as the window has room for, and a PING.

        What may not be sent yet stays, and so does what goes to the same target behind it.
        What never may be sent has its denial, and is not kept.
        """
        due: list[Item] = []
        staying: list[Item] = []
        held: set[str] = set()
        while self._waiting and self._may_send():
            item = evolve(self._waiting.popleft(), answers=answers)
            target = item.message.params[0].casefold() if item.name else ""
            ready = seal(item) if target not in held or not target else None
            if ready is None:
                held.add(target)
                staying.append(item)
                continue
            due.append(ready)
            if not ready.denial:
                self._sent += 1
                self._unanswered[self._sent] = ready
        self._waiting.extendleft(reversed(staying))
        if self._is_online and self._sent > self._asked == self._confirmed:
            self._asked = self._sent
            due.append(Item(Message("PING", (f"{_PREFIX}{self._asked}",)), ""))
        return due

    def heard(self, event: ClientEvent) -> Iterator[ClientEvent]:
        """Take note of an event, and yield what is told: it, or what it means."""
        match event:
            case Refused(code=code, context=context, text=text, label=label):
                item = self._named(label) if label else self._refused(code, context)
                if item is not None and item.is_single:
                    self._forget(item.name)
                    yield item.not_sent(text) or event
                    return
            case Said(name=name) if name:
                item = self._named(name)
                if item is not None and item.answers.echoes:
                    self._forget(name)
            case Said(own=True, replayed=False):
                item = self._echoed(event)
                if item is not None:
                    self._forget(item.name)
                    yield evolve(event, name=item.name)
                    return
            case Answered(token) if token.startswith(_PREFIX):
                self._answered(token.removeprefix(_PREFIX))
            case Registered():
                self._is_online = self._is_writable = True
            case Writable(writable):
                self._is_writable = writable
            case Disconnected() | Rejected():
                yield event
                yield from self._lost()
                return
        yield event

    def _may_send(self) -> bool:
        has_room = self._sent - self._confirmed < WINDOW
        return self._is_online and self._is_writable and has_room

    def _named(self, name: str) -> Item | None:
        return next((item for item in self._unanswered.values() if item.name == name), None)

    def _refused(self, code: str, context: tuple[str, ...]) -> Item | None:
        """Return the message that a refusal without a name is of, if it is of one."""
        for item in self._unanswered.values():
            is_it = item.name and not item.answers.names and code in _REFUSING
            if is_it and any(_same(item.message.params[0], word) for word in context):
                return item
        return None

    def _echoed(self, event: Said) -> Item | None:
        """Return the message that an echo without a name is of, if it is of one, or ends one.

        Of several lines each has its echo, and the last one stands for all.
        """
        texts = []
        for item in self._unanswered.values():
            words = _words(item.message)
            if words is None or item.answers.names or not item.answers.echoes:
                continue
            if not _same(item.message.params[0], event.room):
                continue
            if event.text in words[1]:
                return item if words[1].rstrip().endswith(event.text) else None
            texts.append((item, words[1]))
        # The server may have changed the text: formatting that a room does not want.
        return next((item for item, text in texts if "\n" not in text), None)

    def _forget(self, name: str) -> None:
        """Send no more again what the server has answered."""
        self._unanswered = {
            number: item for number, item in self._unanswered.items() if item.name != name
        }

    def _answered(self, number: str) -> None:
        if not number.isdecimal() or not self._confirmed < int(number) <= self._asked:
            return
        self._confirmed = int(number)
        self._unanswered = {
            number: item for number, item in self._unanswered.items() if number > self._confirmed
        }

    def _lost(self) -> Iterator[ClientEvent]:
        """Have sent again what was not answered, and tell of what cannot be."""
        self._is_online = False
        unanswered = self._unanswered.values()
        again = [item for item in unanswered if _words(item.message) and item.answers.repeats]
        lost = [item for item in unanswered if item not in again]
        self._unanswered = {}
        self._asked = self._confirmed = self._sent
        self._waiting.extendleft(reversed(again))
        if again:
            yield SentAgain(len(again))
        if lost:
            yield MayBeLost(len(lost), tuple(item.name for item in lost if item.name))


def _same(target: str, other: str) -> bool:
    """Return whether two names are one, as nearly all servers compare them."""
    return target.casefold() == other.casefold()


def _words(message: Message) -> tuple[Manner, str] | None:
    """Return how and what a message says, or ``None`` when it says nothing."""
    if message.command not in ("PRIVMSG", "NOTICE") or len(message.params) != 2:
        return None
    return uttered(message)
