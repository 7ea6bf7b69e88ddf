"""One entry of the list of rooms: a room, a person, or a network's server."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from attrs import define, field

from chat.client.events import Reacted, Redacted, Said, Waiting
from chat.console.lines import Line
from chat.console.model.entries import Entry, Message, Note, State
from chat.console.model.scrollback import Scrollback
from chat.irc.formatting import strip_formatting

#: Speakers that are remembered.
_SPEAKERS = 200


@define(eq=False)
class Buffer:
    """What was said in one place, and what of it waits to be read.

    ``name`` is ``None`` for the server; ``network`` is what to call the network, safe to print.
    """

    name: str | None
    network: str
    scrollback: Scrollback = field(factory=Scrollback)
    unread: int = 0
    mentions: int = 0
    #: Up to when it was read, on whatever device.
    read: datetime | None = None
    #: Up to when it was read before what is new came.
    new_since: datetime | None = None
    is_muted: bool = False
    is_pinned: bool = False
    #: Who removed us, and why, until we are there again; safe to print.
    removed: str = ""
    #: We have just joined: who is here is shown beside, and need not be told.
    entered: bool = False
    #: Whether older messages are being fetched, and whether there are none.
    is_loading: bool = False
    is_complete: bool = False
    #: Whether somebody wanted to see nothing of it.
    is_cleared: bool = False
    #: Whether what is said here has to be encrypted.
    is_encrypted: bool = False
    #: What was typed here, and not sent, when one went elsewhere.
    draft: str = ""
    #: Who types, and until when.
    typing: dict[str, datetime] = field(factory=dict)
    #: Who spoke when last.
    spoke: dict[str, datetime] = field(factory=dict)
    _messages: dict[str, Message] = field(factory=dict)
    #: Ours by their names, until the server shows them to us.
    _unsent: dict[str, Message] = field(factory=dict)
    #: What was told before anything was said here.
    _opening: Note | None = None

    @property
    def title(self) -> str:
        """What to call it; safe to print."""
        return strip_formatting(self.name) if self.name is not None else self.network

    # What is told.

    def note(self, line: Line, *, is_opening: bool = False) -> None:
        """Add a line; one that ``is_opening`` goes when something older is said behind it."""
        note = Note(line)
        self._append(note)
        if is_opening:
            self._opening = note

    def say(self, said: Said, time: datetime, *, is_for_us: bool = False) -> None:
        """Add a message at the end; one of ours is where the server has it."""
        if said.msgid in self._messages:
            return
        unsent = self._unsent.pop(said.name, None) if said.own and said.name else None
        if unsent is not None:
            self.scrollback.remove(unsent)
        if self._opening is not None and time < self._opening.time:
            self.scrollback.remove(self._opening)
        self._opening = None
        self.typing.pop(said.sender, None)
        self.spoke.pop(said.sender, None)
        self.spoke[said.sender] = time
        if len(self.spoke) > _SPEAKERS:
            del self.spoke[next(iter(self.spoke))]
        self._append(self._keep(self.message(said, time, is_for_us=is_for_us)))

    def replace(self, said: Said) -> None:
        """Show a message, if it is here, as it reads now."""
        message = self._messages.get(said.msgid)
        if message is not None:
            message.said = said

    def send(self, waiting: Waiting, sender: str, time: datetime) -> None:
        """Add a message of ours that the server has not answered."""
        said = Said(
            waiting.room,
            sender,
            waiting.text,
            waiting.manner,
            True,
            name=waiting.name,
            reply_to=waiting.reply_to,
        )
        state = State.WAITING if waiting.offline else State.SENDING
        self._unsent[waiting.name] = message = Message(said, time, self._messages, state)
        self._append(message)

    def fail(self, name: str, reason: str) -> bool:
        """Say of a message of ours why nobody has it; return whether there is such a one."""
        message = self._unsent.get(name)
        if message is not None:
            message.state, message.reason = State.FAILED, reason
        return message is not None

    @property
    def has_failed(self) -> bool:
        """Whether there is a message of ours that nobody has."""
        return any(message.state is State.FAILED for message in self._unsent.values())

    def failed(self) -> list[Said]:
        """Take out what failed, to be sent again."""
        failed = [(name, one) for name, one in self._unsent.items() if one.state is State.FAILED]
        for name, message in failed:
            del self._unsent[name]
            self.scrollback.remove(message)
        return [message.said for _, message in failed]

    def react(self, reacted: Reacted) -> bool:
        """Show a reaction with its message; return whether that is here."""
        message = self._messages.get(reacted.msgid)
        if message is not None:
            message.react(reacted)
        return message is not None

    def redact(self, redacted: Redacted) -> bool:
        """Mark a message as removed; return whether it is here."""
        message = self._messages.get(redacted.msgid)
        if message is not None:
            message.redacted = redacted
        return message is not None

    # What was before.

    def begin_with(self, messages: Iterable[Message]) -> None:
        """Put messages before all others, in their order; those that are here stay as they are."""
        fresh = [one for one in messages if one.said.msgid not in self._messages]
        for message in fresh:
            self._keep(message)
        is_all_new = self.scrollback.new_from is not None and not any(
            number < self.scrollback.new_from for number, _ in self.scrollback.messages()
        )
        self.scrollback.prepend(fresh)
        if is_all_new and self.new_since is not None:
            for number, message in enumerate(fresh, self.scrollback.first):
                if message.said.time and message.said.time > self.new_since:
                    self.scrollback.new_from = number
                    break

    def message(self, said: Said, time: datetime, *, is_for_us: bool = False) -> Message:
        """Return a message of this place, to begin with for example."""
        is_bare = self.is_encrypted and said.seal is None
        return Message(said, time, self._messages, is_for_us=is_for_us, is_bare=is_bare)

    def oldest(self) -> Said | None:
        """Return the oldest message that is here."""
        return next((one.said for one in self._sent(self.scrollback)), None)

    def clear(self) -> None:
        """Show nothing of what was said, but what waits to be sent."""
        self.scrollback.clear()
        self._messages.clear()
        self._opening = None
        self.is_complete = False
        for message in self._unsent.values():
            self._append(message)

    # What is looked for.

    def latest(self, *, own: bool) -> Said | None:
        """Return the latest message of ours, or of the others, that can be answered."""
        found = (
            one.said
            for _, one in self.scrollback.messages()
            if one.said.own is own and one.said.msgid and one.redacted is None
        )
        return next(found, None)

    def chosen(self) -> Said | None:
        """Return the message that is chosen."""
        number = self.scrollback.chosen
        entry = self.scrollback[number] if number is not None else None
        return entry.said if isinstance(entry, Message) else None

    def find(self, said: Said) -> int | None:
        """Return the number of a message, if it is here."""
        wanted = _identity(said)
        found = (
            number for number, one in self.scrollback.messages() if _identity(one.said) == wanted
        )
        return next(found, None)

    def last_time(self) -> datetime | None:
        """Return the server's time of the newest message here."""
        found = (one.said.time for _, one in self.scrollback.messages() if one.said.time)
        return next(found, None)

    def who_types(self, now: datetime) -> list[str]:
        """Return who types, the one who began first at first."""
        return [nick for nick, until in self.typing.items() if until > now]

    def newest(self) -> None:
        """Follow what comes, with no message chosen."""
        self.scrollback.to_end()
        self.scrollback.chosen = None

    # What waits to be read.

    def count(self, *, is_mention: bool) -> None:
        """Count the message that was added last as one to be read."""
        if self.scrollback.new_from is None:
            self.scrollback.new_from = self.scrollback.end - 1
            self.new_since = self.read
        self.unread += 1
        self.mentions += is_mention

    def read_up_to(self, read: datetime | None) -> None:
        """Take note of how far it was read, and count what is behind."""
        if read is None or (self.read is not None and read <= self.read):
            return
        self.read = self.new_since = read
        self.unread = self.mentions = 0
        self.scrollback.new_from = None
        for number, message in self.scrollback.messages():
            if message.said.time is None or message.said.time <= read:
                break
            if not message.said.own:
                self.scrollback.new_from = number
                self.unread += 1
                self.mentions += message.is_for_us

    def seen(self) -> None:
        """Count nothing as unread any more; the line above what was new stays for now."""
        self.unread = self.mentions = 0

    def _keep(self, message: Message) -> Message:
        if message.said.msgid:
            self._messages[message.said.msgid] = message
        return message

    def _append(self, entry: Entry) -> None:
        oldest = self.scrollback.append(entry)
        if oldest:
            self._opening = None
        for gone in self._sent(oldest):
            self.is_complete = False
            self._messages.pop(gone.said.msgid, None)

    @staticmethod
    def _sent(entries: Iterable[Entry]) -> Iterator[Message]:
        for entry in entries:
            if isinstance(entry, Message) and entry.state is State.SENT:
                yield entry


def _identity(said: Said) -> object:
    return said.msgid or (said.time, said.sender, said.text)
