"""One network of the full screen: the front of its conversation, over its part of the model.

What happens goes into the network's rooms, and into its archive to be there at the next
start; what somebody does goes to the conversation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, Protocol

from attrs import evolve
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from chat.client import events as ev
from chat.console import lines
from chat.console.archive import Archive
from chat.console.commands.actions import (
    Clear,
    Connect,
    Disconnect,
    Ignore,
    Local,
    Mute,
    Pin,
    Retry,
    Search,
    Set,
)
from chat.console.commands.command import Here
from chat.console.front import Input
from chat.console.lines import Line
from chat.console.model.buffer import Buffer
from chat.console.model.model import Model
from chat.console.model.network import Network
from chat.console.model.notifications import Attention, Notice, Notifications, concerns
from chat.console.screen.past import Past
from chat.console.settings.settings import SettingError, Settings

#: Seconds after which other devices are told that something was read.
_READ_AFTER = 2.0
#: Messages that a search finds at most.
_FOUND = 200


class Terminal(Protocol):
    """What shows all networks."""

    model: Model
    settings: Settings

    def changed(self) -> None:
        """Have what changed drawn soon."""

    def notify(self, notice: Notice) -> None:
        """Give notice of a message."""

    def can_draw(self, picture: list[str]) -> bool:
        """Return whether a picture, by its lines, can be shown."""

    def ask_password(self, account: str, network: str) -> Deferred[str | None]:
        """Fire with what somebody gives as the password."""

    def change(self, name: str | None, value: str | None) -> Iterable[str]:
        """Change or show settings, and return what there is to say; raises `SettingError`."""

    def offer(self, found: Sequence[ev.Said]) -> Deferred[ev.Said | None]:
        """Fire with which of these messages somebody chooses, if one."""

    def reveal(self, buffer: Buffer, number: int) -> None:
        """Go to a message."""

    def leave(self, farewell: str) -> None:
        """End all networks."""


class Desk:
    """Takes what a conversation tells, and hands on what somebody does to its network.

    ``clock`` is the reactor's; ``now`` returns the time in the reader's zone.
    """

    interactive = True

    def __init__(
        self,
        name: str,
        archive: Archive | None,
        terminal: Terminal,
        clock: IReactorTime,
        now: Callable[[], datetime],
    ) -> None:
        self._name = name
        self._archive = archive
        self._terminal = terminal
        self._clock = clock
        self._now = now
        self._ignored = set(archive.ignored()) if archive is not None else set()
        #: Up to when rooms were read, which others will be told.
        self._read: dict[str, datetime] = {}
        self._reading: IDelayedCall | None = None

    def attach(self, to: Input) -> None:
        """Take note of whom to call."""
        self.to = to
        self.network = Network(self._name, to.view)
        self.past = Past(
            self._archive,
            self.network,
            to.earlier,
            to.unseal,
            self._terminal.changed,
            self._now,
        )

    def begin(self, settings: Settings, *, is_only: bool) -> None:
        """Open the rooms that were open, before anything happens."""
        self._notifications = Notifications("" if is_only else self.network.name)
        self.follow(settings)
        self.past.begin(settings.history_lines)
        self.network.begin()

    def follow(self, settings: Settings) -> None:
        """Do as the settings say by now."""
        self.network.joins = settings.joins
        self.network.highlight = settings.highlight

    def types(self, text: str) -> None:
        """Take note of what stands in the input: others may see that somebody types."""
        room = self.network.view.room
        if room is not None:
            self.to.typing(room, bool(text) and not text.startswith("/"))

    def read(self) -> None:
        """Do nothing: the screen reads for all networks."""

    def hold(self, held: bool) -> None:
        """Go on: a person may type meanwhile, and sees what is not sent."""

    def can_draw(self, picture: list[str]) -> bool:
        """Return whether there is room for a picture."""
        return self._terminal.can_draw(picture)

    def tell(self, event: ev.ClientEvent, now: datetime) -> None:
        """Show, and keep, what an event tells; nothing of who is ignored."""
        if self._ignored and self._is_ignored(event):
            return
        if isinstance(event, ev.Earlier):
            self.past.earlier(event)
            return
        if isinstance(event, ev.Found):
            self._offer(event.messages[::-1])
            return
        if isinstance(event, ev.Said) and self._opens(event):
            self._keep_room(event.room, joined=True)
        self.past.keep(event, self.to.memory)
        self._terminal.model.hear(self.network, event, now)
        self._terminal.changed()
        match event:
            case ev.Said():
                self._notify(event)
            case ev.Typing(seconds=seconds) if seconds:
                self._clock.callLater(seconds, self._terminal.changed)

    def show(self, shown: Iterable[Line]) -> None:
        """Show lines of the program's own where one is in this network."""
        for line in shown:
            self.network.here().note(line)
        self._terminal.changed()

    def forget(self, nick: str) -> None:
        """Show no longer the conversation with somebody."""
        self.network.drop(nick)
        self._keep_room(nick, joined=False)
        self._terminal.changed()

    def where(self, here: Here) -> Here:
        """Return it with the messages that a command may be about."""
        buffer = self.network.here()
        return evolve(
            here,
            chosen=buffer.chosen(),
            latest=buffer.latest(own=False),
            latest_own=buffer.latest(own=True),
            failed=buffer.has_failed,
        )

    def act(self, action: Local) -> None:
        """Do what concerns the console only."""
        match action:
            case Mute(room, muted):
                self.network.open(room).is_muted = muted
                self._keep_room(room, muted=muted)
                self._say(f"{room} {'is muted: it is counted only' if muted else 'is heard again'}")
            case Pin(room, pinned):
                self.network.open(room).is_pinned = pinned
                self._keep_room(room, pinned=pinned)
                self._say(f"{room} is {'pinned' if pinned else 'no longer pinned'}")
            case Ignore(nick, ignored, account):
                self._ignore(nick, account, ignored=ignored)
            case Clear(room):
                buffer = self.network.server if room is None else self.network.open(room)
                buffer.failed()
                buffer.clear()
                buffer.is_cleared = True
            case Set(name, value):
                self._set(name, value)
            case Retry(room):
                for said in self.network.open(room).failed():
                    self.to.say_again(said)
            case Search(words, everywhere=False):
                self._search(words)
            case Connect():
                self.to.connect()
            case Disconnect():
                self.to.disconnect()
        self._terminal.changed()

    def seen(self, buffer: Buffer) -> None:
        """Take note that somebody looks at the newest of a room."""
        if buffer.unread:  # counted anew by what another device has read
            buffer.seen()
            self._terminal.changed()
        read = buffer.last_time()
        if buffer.name is None or read is None or (buffer.read and read <= buffer.read):
            return
        buffer.read = read
        self._keep_room(buffer.name, read=read)
        if self._terminal.settings.read_markers:
            self._read[buffer.name] = read
            if self._reading is None:
                self._reading = self._clock.callLater(_READ_AFTER, self._tell_read)

    def leave(self, farewell: str) -> None:
        """Leave all networks: they are in one window."""
        self._terminal.leave(farewell)

    def ask_password(self, account: str) -> Deferred[str | None]:
        """Fire with what somebody gives as the password."""
        return self._terminal.ask_password(account, self.network.name)

    def close(self) -> Deferred[None]:
        """Write what is to be kept."""
        if self._reading is not None:
            self._reading.cancel()
        return self._archive.close() if self._archive is not None else succeed(None)

    def _keep_room(self, room: str, **what: Any) -> None:
        if self._archive is not None:
            self._archive.set_room(room, **what)

    def _opens(self, said: ev.Said) -> bool:
        """Return whether a message opens a place, as ours do that were shown before they came."""
        is_talk = not self.network.is_channel(said.room)
        return self.network.get(said.room) is None or (said.own and is_talk)

    def _tell_read(self) -> None:
        self._reading = None
        for room, read in self._read.items():
            self.to.read(room, read)
        self._read.clear()

    def _notify(self, said: ev.Said) -> None:
        model, network = self._terminal.model, self.network
        direct, named = not network.is_channel(said.room), network.names_us(said.text)
        if not concerns(said, self._terminal.settings, direct or named):
            return  # of most messages, without a look at all that there is
        attention = Attention(
            self._terminal.settings,
            network.here().name if model.network is network else None,
            model.is_focused,
            frozenset(one.name for one in network.buffers() if one.is_muted and one.name),
            frozenset(self._ignored),
        )
        notice = self._notifications.decide(
            said,
            attention,
            self._clock.seconds(),
            direct=direct,
            named=named,
        )
        if notice is not None:
            self._terminal.notify(notice)

    def _is_ignored(self, event: ev.ClientEvent) -> bool:
        nick = _who(event)
        if nick.casefold() in self._ignored:
            return True
        if getattr(event, "own", False):
            return False  # our account may be one that we ignore under another nickname
        account = event.account if isinstance(event, ev.Said) else None
        account = account or self.network.view.account_of(nick)
        return account is not None and _account(account) in self._ignored

    def _ignore(self, nick: str | None, account: str | None, *, ignored: bool) -> None:
        if nick is None:
            names = " ".join(sorted(self._ignored)) or "nobody"
            self._say(f"ignored: {names}")
            return
        for name in (nick, _account(account)) if account is not None else (nick,):
            (self._ignored.add if ignored else self._ignored.discard)(name.casefold())
            if self._archive is not None:
                self._archive.ignore(name, ignored)
        also = f", and so is the account {account}" if account is not None else ""
        self._say(f"{nick} is {'ignored' if ignored else 'no longer ignored'}{also}")

    def _set(self, name: str | None, value: str | None) -> None:
        try:
            for text in self._terminal.change(name, value):
                self._say(text)
        except SettingError as error:
            self.show([lines.error(str(error), self._now())])

    def _search(self, words: str) -> None:
        if self._archive is None:
            self.show([lines.error("There is no archive: /search -server WORDS", self._now())])
            return
        found = self._archive.search(words, None, _FOUND)
        found.addCallbacks(
            lambda kept: self._offer([one.said for one in kept]),
            lambda failure: self.show([lines.error(failure.getErrorMessage(), self._now())]),
        )

    def _offer(self, found: Sequence[ev.Said]) -> None:
        if not found:
            self._say("nothing was found")
            return
        self._terminal.offer(found).addCallback(self._go_to)

    def _go_to(self, said: ev.Said | None) -> None:
        if said is not None:
            buffer = self.network.open(said.room)
            self.past.find(buffer, said).addCallback(self._found, buffer, said)

    def _found(self, number: int | None, buffer: Buffer, said: ev.Said) -> None:
        if number is None:
            self.show(lines.lines_of(said, self._now()))
        else:
            self._terminal.reveal(buffer, number)

    def _say(self, text: str) -> None:
        self.show([lines.status(text, self._now())])


def _account(account: str) -> str:
    """Return by which name an account is ignored: no nickname has a colon."""
    return f"account:{account.casefold()}"


def _who(event: ev.ClientEvent) -> str:
    """Return whose event it is, of those that are not shown of who is ignored."""
    match event:
        case ev.Said(sender=nick) | ev.Reacted(nick=nick) | ev.Typing(nick=nick):
            return nick
        case ev.Invited(by=nick):
            return nick
        case _:
            return ""
