"""Messages that a program says, each until the server has acknowledged it.

What the server echoes with our label is stored.  A message has a name
(``securechat/id``), by which it is sent again over the next connection and stored once.
Sources: IRCv3 labeled-response, echo-message, multiline; docs/extensions.md.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from attrs import evolve, frozen

from chat.client.events import Manner
from chat.client.registration import Effects
from chat.client.task import (
    BASIC,
    Done,
    Failed,
    Postponed,
    Progress,
    TaskState,
    is_passing,
    names,
    refusal,
)
from chat.client.text import compose
from chat.irc.message import MAX_BODY, NAME_TAG, Message, truncate

#: Messages on their way at a time: fewer than the flood limits of servers let through.
WINDOW = 8
_MULTILINE = "draft/multiline"
#: The limits of a server that names none, by what other servers have.
_MAX_BYTES, _MAX_LINES = 4096, 24
#: The least room for text: a target that leaves less is too long anyway.
_LEAST = 16
_JOIN = "join"


@frozen
class Stored(Progress):
    """A message was acknowledged; ``time`` is as the server wrote it, ``""`` without.

    Not ``is_certain``: the server answered what came behind it, and can say no more.
    """

    room: str
    name: str
    msgid: str
    time: str
    is_certain: bool


@frozen
class _Parcel:
    """One message, as lines of the wire: a batch where it has several."""

    number: int
    name: str
    lines: tuple[Message, ...]

    def labelled(self, label: str, target: str, *, is_named: bool) -> Iterator[Message]:
        tags = {"label": label} | ({NAME_TAG: self.name} if is_named else {})
        if len(self.lines) == 1:
            yield self.lines[0].tagged(tags)
            return
        yield Message("BATCH", (f"+{label}", _MULTILINE, target), tags=tags)
        for line in self.lines:
            yield line.tagged({"batch": label})
        yield Message("BATCH", (f"-{label}",))


class Delivery:
    """Says what `add` gives it to a room or a person, in order.

    ``name`` is the first message's; the others' are made of it.  With ``must_be_named``
    a server that does not know names is refused.
    """

    wanted: tuple[str, ...] = BASIC

    def __init__(
        self, target: str, manner: Manner, name: str, *, must_be_named: bool = False
    ) -> None:
        self._target = target
        self._manner = manner
        self._name = name
        self._must_be_named = must_be_named
        self._texts: deque[str] = deque()
        self._parcels: deque[_Parcel] = deque()
        #: What was sent over this connection and is not answered, by label.
        self._sent: dict[str, _Parcel] = {}
        #: The labels of batches that are being received, by reference.
        self._batches: dict[str, str] = {}
        self._named = self._labels = 0
        self._has_ended = False
        self._has_begun = False
        #: Why we could not join the room, which matters where the message is refused.
        self._not_joined = ""

    @property
    def is_waiting(self) -> bool:
        """Whether something is to be acknowledged, or there was no connection yet."""
        return bool(self._texts or self._parcels or self._sent or not self._has_begun)

    @property
    def is_uncertain(self) -> bool:
        """Whether something was sent, and nobody said that it is stored."""
        return bool(self._sent)

    @property
    def is_full(self) -> bool:
        """Whether more text had better wait."""
        return len(self._texts) + len(self._parcels) + len(self._sent) >= WINDOW

    def add(self, text: str) -> None:
        """Take the text of one message, to be sent by `resume`."""
        self._texts.append(text)

    def end(self) -> None:
        """Take note that no more text comes."""
        self._has_ended = True

    def begin(self, state: TaskState) -> Effects:
        """Join the room, which shows nothing where we are in it, and send."""
        if self._must_be_named and not _names_messages(state):
            yield Failed("the server cannot tell a repeated message (securechat/id): omit --id")
            return
        if self._sent and not _names_messages(state):
            yield Failed("the connection broke before the answer: look whether it is there", True)
            return
        self._has_begun = True
        self._parcels.extendleft(reversed(self._sent.values()))
        self._sent.clear()
        self._batches.clear()
        if state.rooms.isupport.is_channel(self._target):
            tags = {"label": _JOIN} if state.can("labeled-response") else {}
            yield Message("JOIN", (self._target,), tags=tags)
        yield from self.resume(state)
        if not self.is_waiting:
            yield Progress()

    def resume(self, state: TaskState) -> Effects:
        """Send as much as may be on its way."""
        if not self._has_begun:
            return
        while len(self._sent) < WINDOW and (self._parcels or self._texts):
            if not self._parcels:
                self._pack(state, self._texts.popleft())
                continue
            self._labels += 1
            label, parcel = str(self._labels), self._parcels.popleft()
            self._sent[label] = parcel
            if _acknowledges(state):
                is_named = _names_messages(state)
                yield from parcel.labelled(label, self._target, is_named=is_named)
            else:
                yield from parcel.lines
                yield Message("PING", (label,))
        if self._has_ended and not self.is_waiting:
            yield Done()

    def hear(self, state: TaskState, message: Message) -> Effects:
        """Find what answers what we sent."""
        label = message.tags.get("label") or self._batches.get(message.tags.get("batch", ""), "")
        match message.command, message.params:
            case "BATCH", (reference, "labeled-response", *_) if label:
                self._batches[reference[1:]] = label
                return
            case "PONG", (*_, token) if not _acknowledges(state) and token in self._sent:
                yield self._stored(token, message, is_certain=False)
                yield from self.resume(state)
                return
        reason = refusal(message)
        if label == _JOIN:
            self._not_joined = reason or self._not_joined
        elif label in self._sent:
            yield from self._answered(state, label, message)
        elif reason and not label and names(state, message.params[1:-1], self._target):
            yield Failed(reason)

    def _answered(self, state: TaskState, label: str, message: Message) -> Effects:
        reason = refusal(message)
        is_batch = message.command == "BATCH" and message.params[1:2] == (_MULTILINE,)
        if is_batch or message.command in ("PRIVMSG", "NOTICE"):
            yield self._stored(label, message, is_certain=True)
            yield from self.resume(state)
        elif reason and is_passing(message) and _names_messages(state):
            again = [self._sent.pop(label), *self._parcels]
            self._parcels = deque(sorted(again, key=lambda parcel: parcel.number))
            yield Postponed()
        elif reason:
            yield Failed(self._not_joined or reason)
        elif message.command == "ACK":
            # "servers must never send an error" to a NOTICE: Modern IRC, "NOTICE message".
            text = self._not_joined or "the server did not take it, and does not say why"
            yield Failed(f"{text}: is {self._target} there, and may you speak?")

    def _stored(self, label: str, message: Message, *, is_certain: bool) -> Stored:
        parcel, tags = self._sent.pop(label), message.tags
        msgid, time = tags.get("msgid", ""), tags.get("time", "")
        return Stored(self._target, parcel.name, msgid, time, is_certain)

    def _pack(self, state: TaskState, text: str) -> None:
        """Make parcels of a text: one, where the server takes several lines at once."""
        can_be_batch = self._manner is not Manner.ACTION and _acknowledges(state)
        if can_be_batch and state.can(_MULTILINE):
            packed: Iterator[tuple[Message, ...]] = self._batched(state, text)
        else:
            composed = compose(self._manner, self._target, text, state.source_length())
            packed = ((message,) for message in composed)
        for lines in packed:
            self._named += 1
            name = self._name if self._named == 1 else f"{self._name}/{self._named}"
            self._parcels.append(_Parcel(self._named, name, lines))

    def _batched(self, state: TaskState, text: str) -> Iterator[tuple[Message, ...]]:
        """Yield multiline messages within the server's limits; none begins or ends empty."""
        max_bytes, max_lines = _limits(state)
        frame = len(f": {self._manner.value} {self._target} :\r\n".encode())
        room = max(_LEAST, min(MAX_BODY - frame - state.source_length(), max_bytes))
        batch: list[Message] = []
        size = 0
        for line in _pieces(text, room, self._manner.value, self._target):
            length = len(line.text().encode()) + 1
            if batch and (len(batch) >= max_lines or size + length > max_bytes):
                yield from _whole(batch)
                batch, size = [], 0
            batch.append(line if batch else evolve(line, tags={}))
            size += length
        yield from _whole(batch)


def _pieces(text: str, room: int, command: str, target: str) -> Iterator[Message]:
    for line in text.splitlines():
        tags: dict[str, str] = {}
        while True:
            piece = truncate(line, room)
            yield Message(command, (target, piece), tags=tags)
            line = line[len(piece) :]
            if not line:
                break
            tags = {"draft/multiline-concat": ""}


def _whole(batch: list[Message]) -> Iterator[tuple[Message, ...]]:
    """Yield the lines of one message, without empty ones around it."""
    while batch and not batch[-1].text():
        batch.pop()
    first = next((number for number, line in enumerate(batch) if line.text()), 0)
    if batch:
        yield tuple(batch[first:])


def _limits(state: TaskState) -> tuple[int, int]:
    """Return the bytes and lines of one multiline message."""
    words = (word.partition("=") for word in state.registration.value_of(_MULTILINE).split(","))
    values = {key: int(value) for key, _, value in words if value.isdecimal()}
    return values.get("max-bytes", _MAX_BYTES), values.get("max-lines", _MAX_LINES)


def _acknowledges(state: TaskState) -> bool:
    return state.can("labeled-response", "echo-message", "batch", "message-tags")


def _names_messages(state: TaskState) -> bool:
    return _acknowledges(state) and state.can("securechat/id")
