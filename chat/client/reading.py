"""What was said in one place, read from its history, and what is said there from then on.

Both are one sequence, without holes and repetitions, over reconnections too: what
comes while history is read waits, and what history had already is dropped.
Source: https://ircv3.net/specs/extensions/chathistory
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from datetime import datetime

from attrs import frozen

from chat.client.assembly import Assembly, Page
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
from chat.irc.message import Message

#: Messages asked for at a time, where the server has no lower limit.
PAGE = 100
#: The most messages that are asked for from the end.
MAX_LINES = 100_000
#: Live messages that wait while history is read; when there are more, it is read once more.
_HELD = 1000
_CAPABILITY = "draft/chathistory"
_ALL = "timestamp=1970-01-01T00:00:00.000Z"
_ACTION = "\x01ACTION "


@frozen
class Spoken(Progress):
    """One message; ``room`` is the channel, or the person with whom we talk.

    ``stamp`` is the server's time as it wrote it, in UTC; what it did not tell is ``""``.
    """

    room: str
    sender: str
    account: str
    text: str
    manner: Manner
    stamp: str
    msgid: str
    reply_to: str

    @property
    def time(self) -> datetime | None:
        """The server's time."""
        try:
            return datetime.fromisoformat(self.stamp)
        except ValueError:
            return None

    @property
    def references(self) -> list[str]:
        """How to refer to it: by its id, or else by its time."""
        words = (("msgid", self.msgid), ("timestamp", self.stamp))
        return [f"{kind}={value}" for kind, value in words if value]


@frozen
class NoHistory(Progress):
    """The server has no history to ask for: what comes now is all there is."""


@frozen
class _Request:
    """A question for a page; ``fallback`` is what to ask behind where it knows not that message."""

    command: str
    reference: str
    limit: int
    fallback: str = ""


class Reading:
    """Tells what was said in a room or with a person, and goes on with ``follow``.

    From behind ``since``, a reference as CHATHISTORY has it, or from the beginning of
    the last ``lines`` messages; with both the last ones behind it.
    """

    wanted: tuple[str, ...] = (*BASIC, _CAPABILITY)

    def __init__(self, target: str, since: str | None, lines: int | None, *, follow: bool) -> None:
        self._target = target
        self._since = since
        self._lines = lines
        self._follow = follow
        #: Behind which message, or time, the next one is: the best reference first.
        self._position: list[str] = []
        #: What is asked for, or was and is to be asked again; ``None``: we are live.
        self._request: _Request | None = None
        self._assembly = Assembly("chathistory")
        #: What was read and is not told yet: its end is told, or all of it is.
        self._read: deque[Spoken] = deque(maxlen=MAX_LINES if lines is None else max(lines, 1))
        self._held: dict[str, Spoken] = {}
        self._has_overflown = False
        self._is_begun = self._is_live = False

    @property
    def is_waiting(self) -> bool:
        """Whether history is being read, or there was no connection yet."""
        return not self._is_live

    @property
    def is_uncertain(self) -> bool:
        """Nothing is changed by reading."""
        return False

    def begin(self, state: TaskState) -> Effects:
        """Join the room, whose history is for members, and ask for what is missing."""
        self._assembly = Assembly("chathistory")
        self._held.clear()
        self._has_overflown = self._is_live = False
        if state.rooms.isupport.is_channel(self._target):
            yield Message("JOIN", (self._target,))
        if not state.can(_CAPABILITY, "batch"):
            if not self._follow:
                yield Failed("this server has no history that can be asked for: give --follow")
                return
            if not self._is_begun:
                yield NoHistory()
            self._is_begun = self._is_live = True
            return
        if self._is_begun:
            yield from self._ask_behind(state)
            return
        self._read.clear()
        if self._since is not None:
            self._position = [self._since]
            yield from self._ask_behind(state)
        else:
            yield from self._ask(_Request("LATEST", "*", min(_limit(state), self._wanted)))

    def resume(self, state: TaskState) -> Effects:
        """Ask once more for what the server could not give."""
        if self._request is not None:
            yield from self._ask(self._request)

    def hear(self, state: TaskState, message: Message) -> Effects:
        """Take pages of history, messages of now, and refusals."""
        reason = refusal(message)
        if message.command == "FAIL" and message.params[:1] == ("CHATHISTORY",):
            yield from self._refused(message)
        elif reason and names(state, message.params[1:-1], self._target):
            yield Failed(reason)
        elif message.command in ("PART", "KICK") and self._has_left(state, message):
            yield Failed(f"you are not in {self._target} any more: {message.text()}")
        else:
            for whole in self._assembly.take(message):
                if isinstance(whole, Page):
                    yield from self._paged(state, whole)
                else:
                    yield from self._said(state, whole)

    @property
    def _wanted(self) -> int:
        return self._read.maxlen or MAX_LINES

    @property
    def _is_shown(self) -> bool:
        return self._lines != 0

    def _ask(self, request: _Request) -> Effects:
        self._request = request
        words = (request.command, self._target, request.reference, str(request.limit))
        yield Message("CHATHISTORY", words)

    def _ask_behind(self, state: TaskState) -> Effects:
        reference, *others = self._position or [_ALL]
        yield from self._ask(_Request("AFTER", reference, _limit(state), *others[:1]))

    def _refused(self, message: Message) -> Effects:
        request = self._request
        if is_passing(message):
            yield Postponed()
        elif request is not None and request.fallback and "MESSAGE_ERROR" in message.params:
            # The message that we know as the last one is not kept any more.
            yield from self._ask(_Request(request.command, request.fallback, request.limit))
        else:
            yield Failed(message.text())

    def _paged(self, state: TaskState, page: Page) -> Effects:
        request, is_end = self._request, "draft/chathistory-end" in page.opening.tags
        if request is None:
            return
        found = [spoken for each in page.messages if (spoken := self._heard(state, each))]
        is_end = is_end or not found
        if request.command == "AFTER":
            is_end = is_end or found[-1].references == self._position
            yield from self._forwards(found)
            if not is_end:
                yield from self._ask_behind(state)
                yield Progress()
                return
        else:
            before = found[: self._wanted - len(self._read)]
            before = found[len(found) - len(before) :]
            self._read.extendleft(reversed(before))
            if not is_end and len(self._read) < self._wanted:
                limit = min(_limit(state), self._wanted - len(self._read))
                reference = self._read[0].references[0]
                yield from self._ask(_Request("BEFORE", reference, limit))
                yield Progress()
                return
        yield from self._reach_now(state)

    def _forwards(self, found: list[Spoken]) -> Iterator[Spoken]:
        """Tell the next messages, or keep the last ones where only those are wanted."""
        if found:
            self._position = found[-1].references or self._position
        if self._is_begun or self._lines is None:
            self._is_begun = self._is_begun or bool(found)
            for spoken in found:
                self._held.pop(spoken.msgid, None)
                yield spoken
        else:
            self._read.extend(found)

    def _reach_now(self, state: TaskState) -> Effects:
        """Tell what was read and what came meanwhile; history is told to its end."""
        for spoken in self._read:
            self._held.pop(spoken.msgid, None)
            self._position = spoken.references
            if self._is_shown:
                yield spoken
        self._read.clear()
        self._is_begun = True
        if not self._follow:
            yield Done()
        elif self._has_overflown:
            self._held.clear()
            self._has_overflown = False
            yield from self._ask_behind(state)
        else:
            self._request = None
            self._is_live = True
            for spoken in self._held.values():
                self._position = spoken.references
                yield spoken
            self._held.clear()
            yield Progress()

    def _said(self, state: TaskState, message: Message) -> Effects:
        spoken = self._heard(state, message)
        if spoken is None or not self._follow:
            return
        if self._is_live:
            self._position = spoken.references or self._position
            yield spoken
        elif len(self._held) < _HELD:
            self._held[spoken.msgid or f"={len(self._held)}"] = spoken
        else:
            self._has_overflown = True

    def _heard(self, state: TaskState, message: Message) -> Spoken | None:
        """Return what a message says, if it was said in our place."""
        if message.command not in ("PRIVMSG", "NOTICE") or len(message.params) != 2:
            return None
        sender = (message.source or "").partition("!")[0]
        target, text = message.params
        isupport = state.rooms.isupport
        room = isupport.without_status(target)
        if not isupport.is_channel(room) and not state.is_own(sender):
            room = sender
        manner = Manner(message.command)
        if text.startswith(_ACTION):
            manner, text = Manner.ACTION, text[len(_ACTION) :].removesuffix("\x01")
        elif text.startswith("\x01"):
            return None
        if not names(state, (room,), self._target):
            return None
        tags = message.tags
        reply_to = tags.get("+reply") or tags.get("+draft/reply", "")
        return Spoken(
            self._target, sender, tags.get("account", ""), text, manner,
            tags.get("time", ""), tags.get("msgid", ""), reply_to,
        )  # fmt: skip

    def _has_left(self, state: TaskState, message: Message) -> bool:
        who = message.params[1] if message.command == "KICK" else message.source or ""
        return state.is_own(who.partition("!")[0]) and names(
            state, message.params[:1], self._target
        )


def _limit(state: TaskState) -> int:
    """Return how many messages to ask for at once."""
    word = state.rooms.isupport.tokens.get("CHATHISTORY", "")
    return min(PAGE, int(word)) if word.isdecimal() and int(word) else PAGE
