"""What is asked of a server's history, and which answer belongs to which request.

Answers come in the order of the requests, whoever made them.  Behind each request goes
a PING, whose PONG says that no more comes.  No clock, no input, no output.
Source: IRCv3 draft/chathistory.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime

from attrs import define

from chat.client.batches import Page
from chat.client.events import Answered
from chat.client.isupport import Isupport
from chat.client.rooms import Rooms
from chat.irc.message import Message

CAPABILITY = "draft/chathistory"
#: Without one of these there are no pages.
NEEDED = frozenset({"batch", CAPABILITY, "message-tags", "server-time"})
#: Messages in one page, where the server allows so many.
PAGE = 100
#: What our PINGs begin with; others have others.
_PREFIX = "history-"


@define(eq=False)
class Request:
    """One request; ``place`` is a room or person, or ``""`` for the list of conversations."""

    place: str
    number: int
    is_answered: bool = False


class Requests:
    """The requests of one connection that are under way, the oldest first."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self._open: deque[Request] = deque()
        self._asked = 0

    @property
    def are_open(self) -> bool:
        """Whether the server owes an answer."""
        return any(not request.is_answered for request in self._open)

    def ask(self, subcommand: str, *params: str) -> tuple[Request, Iterator[Message]]:
        """Return a new request, about the first of ``params``, and what has to be sent for it."""
        self._asked += 1
        request = Request("" if subcommand == "TARGETS" else params[0], self._asked)
        self._open.append(request)
        limit = str(_limit(self._rooms.isupport))
        lines = (
            Message("CHATHISTORY", (subcommand, *params, limit)),
            # Its answer comes behind that to the request, also where that is an error.
            Message("PING", (f"{_PREFIX}{self._asked}",)),
        )
        return request, iter(lines)

    def take(self, page: Page) -> Request | None:
        """Return which request a page answers, if it is one."""
        fold = self._rooms.isupport.fold
        for request in self._open:
            if not request.is_answered and fold(request.place) == fold(page.about):
                request.is_answered = True
                return request
        return None

    def answered(self, event: Answered) -> list[Request]:
        """Return which requests a PONG ends that no page has answered."""
        number = event.token.removeprefix(_PREFIX)
        ended = []
        while self._open and number.isdecimal() and self._open[0].number <= int(number):
            ended.append(self._open.popleft())
        return [request for request in ended if not request.is_answered]


def is_ours(event: Answered) -> bool:
    """Return whether a PONG answers one of our PINGs."""
    return event.token.startswith(_PREFIX)


def iso8601(time: datetime) -> str:
    """Return a time as the protocol has it, to the millisecond before it."""
    moment = time.astimezone(UTC).replace(tzinfo=None)
    return f"{moment.isoformat(timespec='milliseconds')}Z"


def reference(line: Message) -> str | None:
    """Return what names a line of a page to the server, ``None`` where nothing does."""
    if line.tags.get("msgid"):
        return f"msgid={line.tags['msgid']}"
    return f"timestamp={line.tags['time']}" if line.tags.get("time") else None


def _limit(isupport: Isupport) -> int:
    most = isupport.tokens.get("CHATHISTORY", "")
    # "a value of 0 may be used to indicate no message limit exists".
    return min(int(most), PAGE) if most.isdecimal() and int(most) else PAGE
