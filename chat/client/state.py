"""One connection as the client sees it: messages in, events and messages out.

No input, no output, no clock.  Sources: Modern IRC, "Client Messages"; IRCv3
echo-message, extended-join, server-time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from attrs import evolve

from chat.client import handlers, markers, people
from chat.client.annotating import REDACTION
from chat.client.answers import answer
from chat.client.batches import CONCAT, MULTILINE, SEARCH, Batches, Page
from chat.client.events import Answered, ClientEvent, Disconnected, Found, Registered, Said
from chat.client.handlers import said
from chat.client.history import History, Memory, Spoken
from chat.client.markers import Markers
from chat.client.outgoing import Answers
from chat.client.presence import MOST_READERS, Presence
from chat.client.registration import WANTED, Effects, Identity, Phase, Registration, Step
from chat.client.requests import CAPABILITY, NEEDED, Requests, is_ours
from chat.client.rooms import Rooms
from chat.client.scrolling import Scrolling
from chat.client.sealing import Sealing
from chat.client.secrecy import SecurityNotice, Unsealed
from chat.client.table import time_of
from chat.client.text import Multiline, pieces
from chat.client.typing import TAG as TYPING
from chat.irc.message import MAX_BODY, NAME_TAG, Message

#: What a source is taken to be as long as we have not seen our own.
_UNSEEN_SOURCE = "!" + "u" * 18 + "@" + "h" * 63
#: Lines of one message where the server does not say how many (draft/multiline).
_LINES = 24
#: What a page of history may have.
_SAYING = frozenset({"PRIVMSG", "NOTICE", "TAGMSG", "REDACT"})
#: All commands that we know.
_HANDLERS = handlers.HANDLERS | people.HANDLERS


class ClientState:
    """What a client knows of one connection.

    `receive` takes what comes and returns what there is to tell; after it, and
    after `open` and `send`, `to_send` returns what has to be sent.  ``rejoin`` are
    channels with their keys (``""``: none), to join when the server welcomes us;
    ``memory`` is what the connection before knew to be told.
    """

    def __init__(
        self,
        identity: Identity,
        rejoin: Mapping[str, str] | None = None,
        memory: Memory | None = None,
        sealing: Sealing | None = None,
    ) -> None:
        memory = memory or Memory()
        # As long as nothing was heard only the server knows since when the device was
        # away: it sends what was missed to those who cannot ask.
        behind = frozenset({CAPABILITY}) if memory.heard is None else frozenset()
        self.rooms = Rooms()
        self.sealing = sealing or Sealing()
        self.sealing.attach(self.rooms, identity.account, rejoin or ())
        self.registration = Registration(identity, behind, (*WANTED, *self.sealing.wanted))
        self.requests = Requests(self.rooms)
        self.history = History(self.rooms, memory, self.requests)
        self.markers = Markers(self.rooms)
        self.presence = Presence(self.rooms)
        if self.sealing.wanted:
            self.presence.most_members = MOST_READERS
        #: Whether a page of history is dealt with.
        self.is_past = False
        self._scrolling = Scrolling(self.requests, self.rooms, memory)
        self._batches = Batches()
        #: Whether we are away, as far as the server has told.
        self.away = False
        self.source = ""
        #: The channels to be in after the next connection, with their keys.
        self.rejoin = dict(rejoin or {})
        self._references = 0
        self._keys: dict[str, str] = {}
        self._outgoing: list[Message] = []

    @property
    def phase(self) -> Phase:
        """Where registration is."""
        return self.registration.phase

    @property
    def nick(self) -> str:
        """Our nickname, as the server has it."""
        return self.registration.nick

    @property
    def answers(self) -> Answers:
        """How the server answers a message."""
        echoes = self.has("echo-message")
        knows = self.has("securechat/id") and echoes
        return Answers(knows, knows or self.has("labeled-response"), echoes)

    @property
    def several(self) -> Multiline | None:
        """What a message of several lines may have, ``None`` where there are none."""
        if not (self.has(MULTILINE) and self.has("batch")):
            return None
        limits = self.registration.value(MULTILINE)
        most = [limits.get(key, "") for key in ("max-bytes", "max-lines")]
        found = [int(word) if word.isdecimal() and int(word) else None for word in most]
        return Multiline(found[0] or MAX_BODY, found[1] or _LINES)

    def has(self, capability: str) -> bool:
        """Return whether the server has agreed to a capability."""
        return capability in self.registration.capabilities

    @property
    def passes_typing(self) -> bool:
        """Whether others can know that we type."""
        return self.has("message-tags") and self.rooms.isupport.lets_through(TYPING)

    def refusal(self, message: Message) -> str | None:
        """Return why this server cannot take a message of ours, ``None`` when it may."""
        if message.command == "REDACT" and not self.has(REDACTION):
            return "This server takes no message back"
        if message.command == "TAGMSG":
            lets_through = self.rooms.isupport.lets_through
            if not self.has("message-tags") or not all(map(lets_through, message.tags)):
                return "This server passes no such thing on"
        return None

    def is_own(self, nick: str) -> bool:
        """Return whether ``nick`` is ours."""
        return self.rooms.isupport.fold(nick) == self.rooms.isupport.fold(self.nick)

    def source_length(self) -> int:
        """Return the bytes of ``nick!user@host`` that others see before our messages."""
        return len((self.source or self.nick + _UNSEEN_SOURCE).encode())

    def enter(self, name: str) -> None:
        """Note that we are in a channel."""
        self.rooms.enter(name)
        fold = self.rooms.isupport.fold
        key = self._keys.pop(fold(name), None)
        if key is not None or fold(name) not in map(fold, self.rejoin):
            self.rejoin[name] = key or ""

    def leave(self, name: str) -> None:
        """Note that we are no longer in a channel."""
        self.rooms.leave(name)
        fold = self.rooms.isupport.fold
        for same in [other for other in self.rejoin if fold(other) == fold(name)]:
            del self.rejoin[same]

    def open(self) -> None:
        """Begin registration: TLS stands."""
        self._perform(self.registration.open())

    def receive(self, message: Message) -> list[ClientEvent]:
        """Take one message of the server, and return what it tells.

        A message with too few parameters, or out of turn, tells nothing.
        """
        if self.has(CAPABILITY):
            self.history.hear(time_of(message))
        told = self._perform(self.sealing.received(message))
        for whole in self._batches.take(message):
            told += self._perform(self._effects(whole))
        return [*told, *self._perform(self.sealing.moved(message))]

    def ask(self, effects: Effects) -> list[ClientEvent]:
        """Have sent what there is to send of what encryption wants, and return the rest."""
        return self._perform(effects)

    def send(
        self, message: Message, name: str = "", sealed: Sequence[Message] = ()
    ) -> list[ClientEvent]:
        """Send a message of the user, and return what can be told at once.

        ``sealed`` are the encrypted lines that stand for it, if any.

        ``name`` is what its echo, or its refusal, is known by, as far as the server
        can do that.  What was said is told here when the server will not echo it.
        """
        if sealed:
            self._outgoing += self._sealed_lines(sealed, name)
            return []
        speaks = message.command in ("PRIVMSG", "NOTICE") and len(message.params) == 2
        if message.tags and not self.has("message-tags"):
            message = evolve(message, tags={})
        labels = {"label": name} if name and self.has("labeled-response") else {}
        lines = self._lines(message, name) if speaks else [message.tagged(labels)]
        self._outgoing += lines
        if message.command == "JOIN" and len(message.params) > 1:
            names, keys = message.params[0].split(","), message.params[1].split(",")
            self._keys.update(zip(map(self.rooms.isupport.fold, names), keys, strict=False))
        if speaks and "echo-message" not in self.registration.capabilities:
            told = said(self, message, self.nick)
            return [evolve(event, name=name) for event in told if isinstance(event, Said)]
        return []

    def earlier(self, room: str, before: Said | None) -> bool:
        """Ask for what was said before a message, or last; `Earlier` tells it.

        Returns whether it could be asked: the server knows history, the message has a
        msgid or a time, and no other request for this room is under way.
        """
        asking = self._scrolling.ask(room, before) if self._has_pages else None
        self._perform(asking or iter(()))
        return asking is not None

    def read(self, room: str, time: datetime) -> None:
        """Have the server know up to where we have read, where it does not know yet."""
        if self.has(markers.CAPABILITY):
            self._perform(self.markers.read(room, time))

    def close(self, reason: str) -> list[ClientEvent]:
        """Note that the connection is gone, and return what that means, once."""
        lost: list[ClientEvent] = list(self._scrolling.lost())
        return [*lost, Disconnected(reason)] if self.registration.advance(Step.LOST) else lost

    def to_send(self) -> list[Message]:
        """Return the messages that have to be sent now, and forget them."""
        # The keys go before what they decrypt.
        outgoing = [*self.sealing.to_send(), *self._outgoing]
        self._outgoing = []
        return outgoing

    def _sealed_lines(self, sealed: Sequence[Message], name: str) -> Iterator[Message]:
        """Yield the lines of an encrypted message; the last one has its name."""
        for number, line in enumerate(sealed, 1):
            own = name if number == len(sealed) else f"{name}/{number}"
            is_named = line.command in ("PRIVMSG", "NOTICE") and self.answers.repeats
            names = {NAME_TAG: own} if is_named else {}
            labels = {"label": own} if self.has("labeled-response") else {}
            yield line.tagged(names | labels if name else {})

    def _lines(self, message: Message, name: str) -> Iterator[Message]:
        """Yield what says a message, of several lines perhaps, on this connection."""
        names = {NAME_TAG: name} if name and self.answers.repeats else {}
        labels = {"label": name} if name and self.has("labeled-response") else {}
        tags = labels | names
        target, text = message.params
        lines = list(pieces(message.command, target, text, self.source_length()))
        if len(lines) < 2 or text.startswith("\x01"):
            yield message.tagged(tags)
        elif self.several is not None:
            self._references += 1
            reference = f"m{self._references}"
            yield Message(
                "BATCH", (f"+{reference}", MULTILINE, target), tags={**message.tags, **tags}
            )
            for line in lines:
                concat = {CONCAT: ""} if line.continues else {}
                inside = {"batch": reference, **concat}
                yield Message(message.command, (target, line.text), tags=inside)
            yield Message("BATCH", (f"-{reference}",))
        else:
            # It was written for another connection.  The last line stands for all.
            texts = [line.text for line in lines if line.text.strip(" ")]
            for number, each in enumerate(texts, 1):
                one = Message(message.command, (target, each), tags=message.tags)
                yield one.tagged(tags) if number == len(texts) else one

    @property
    def _has_pages(self) -> bool:
        return self.registration.capabilities >= NEEDED

    def _effects(self, whole: Message | Page) -> Effects:
        if isinstance(whole, Page):
            yield from self._page(whole)
            return
        for effect in self._dispatch(whole):
            if isinstance(effect, Unsealed):
                self.history.replace(effect.message)
                yield effect
            elif isinstance(effect, Spoken):
                yield from self.history.live(effect)
                yield from self._ask_markers(effect.room)
            elif isinstance(effect, Answered) and is_ours(effect):
                for request in self.requests.answered(effect):
                    is_scrolled = self._scrolling.has(request)
                    yield from (self._scrolling if is_scrolled else self.history).refused(request)
            else:
                yield effect

    def _page(self, page: Page) -> Effects:
        if page.kind == SEARCH:
            told = list(self._past(page.lines))
            yield Found(tuple(evolve(one, replayed=True) for one in told if isinstance(one, Said)))
            return
        request = self.requests.take(page)
        if not page.about:
            yield from self.history.list_of(request, page)
            yield from self._ask_markers(
                *(line.params[1] for line in page.lines if line.params[1:])
            )
            return
        lines = (line for line in page.lines if line.command in _SAYING)
        told = list(self._past(lines))
        # What asks for keys, and what is told of them.
        yield from (each for each in told if isinstance(each, Message | SecurityNotice))
        events = [effect for effect in told if isinstance(effect, Spoken)]
        if request is not None and self._scrolling.has(request):
            yield from self._scrolling.page(request, page, events)
        else:
            yield from self.history.page(request, page, events)

    def _past(self, lines: Iterable[Message]) -> Effects:
        """Yield what lines of history tell."""
        self.is_past = True
        try:
            for line in lines:
                yield from self._dispatch(line)
        finally:
            self.is_past = False

    def _ask_markers(self, *places: str) -> Effects:
        if self.has(markers.CAPABILITY):
            yield from self.markers.ask(places)

    def _perform(self, effects: Effects) -> list[ClientEvent]:
        events = []
        for effect in effects:
            if isinstance(effect, Message):
                self._outgoing.append(effect)
            else:
                events.append(effect)
                if isinstance(effect, Registered):
                    capabilities = self.registration.capabilities
                    events += self._perform(self.sealing.welcomed(effect.account, capabilities))
                    self._outgoing += self._joins()
                    self._perform(self.history.begin(self.registration.capabilities))
                    # The latest conversations first.
                    self._perform(self._ask_markers(*reversed(self.history.memory.marks)))
        return events

    def _joins(self) -> Iterator[Message]:
        for name, key in self.rejoin.items():
            yield Message("JOIN", (name, key) if key else (name,))

    def _dispatch(self, message: Message) -> Effects:
        if self.registration.concerns(message.command):
            yield from self.registration.receive(message)
            return
        parameters, handler = _HANDLERS.get(message.command, (0, None))
        if handler is not None:
            if len(message.params) >= parameters:
                yield from handler(self, message)
        elif message.command.isdecimal():
            event = answer(message)
            if event is not None:
                yield event
