"""The full-screen console: the conversations with all networks in one terminal, from start to end.

It runs on asyncio's event loop, which has to be the reactor's.  What comes from the
networks only changes the `Model`; how often that is drawn, `REDRAW` limits.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IDelayedCall

from chat.client.client import Client
from chat.client.events import Said
from chat.client.protocol import Listener
from chat.console import lines
from chat.console.archive import Archive
from chat.console.completion import Completion
from chat.console.conversation import Conversation
from chat.console.model.buffer import Buffer
from chat.console.model.layout import TIME_WIDTH
from chat.console.model.model import Model
from chat.console.model.network import Network
from chat.console.model.notifications import Notice
from chat.console.picture import fits
from chat.console.screen.app import ChatApp
from chat.console.screen.desk import Desk
from chat.console.screen.log import keep_log, write_failure
from chat.console.screen.notifiers import Notifier
from chat.console.settings import settings
from chat.console.settings.keys import Key
from chat.console.settings.settings import SETTINGS, Settings
from chat.irc.formatting import strip_formatting

#: Seconds between two times that the screen is drawn for what comes.
REDRAW = 0.1

#: Makes the client of a network, which tells a listener.
Connect = Callable[[Listener], Client]


class Screen:
    """Takes over the terminal of this process from `start` until ``closed`` fires.

    `add` comes first, once for each network.  ``rejection`` then says why the end was
    not a normal one, and is ``None`` otherwise.  ``now`` returns the time in the reader's
    zone.
    """

    model: Model

    def __init__(
        self, settings: Settings, keys: Sequence[Key], reactor: Any, now: Callable[[], datetime]
    ) -> None:
        self.closed: Deferred[None] = Deferred()
        self.settings = settings
        self._keys = keys
        self._reactor = reactor
        self._now = now
        self._conversations: list[Conversation] = []
        self._desks: list[Desk] = []
        self._complaints: list[str] = []
        self._failure: str | None = None
        self._is_open = self._is_leaving = self._is_warned = False
        self._drawing: IDelayedCall | None = None
        self._drawn = 0.0

    def add(self, name: str, archive: Archive | None, connect: Connect) -> None:
        """Add a network, with what is kept of it."""
        desk = Desk(name, archive, self, self._reactor, self._now)
        self._conversations.append(Conversation(connect, desk, self._reactor, self._now))
        self._desks.append(desk)

    def open(self) -> ChatApp:
        """Fill the model with what is kept; returns the app, which shows it once it runs."""
        for desk in self._desks:
            desk.begin(self.settings, is_only=len(self._desks) == 1)
        self.model = Model(desk.network for desk in self._desks)
        self._app = ChatApp(self.model, self, self._now, self._keys)
        self._notifier = Notifier(
            self._app.write, self.complain, self._reactor, self._reactor, os.environ
        )
        self._is_open = True
        self._tell_complaints()
        return self._app

    def complain(self, text: str) -> None:
        """Tell what is wrong, as soon as there is a screen."""
        self._complaints.append(text)
        if self._is_open:
            self._tell_complaints()

    @property
    def rejection(self) -> str | None:
        """Why this was not a normal end, or ``None``."""
        reasons = [one.rejection for one in self._conversations if one.rejection]
        return self._failure or ("; ".join(reasons) or None)

    def start(self) -> None:
        """Take over the terminal with what is kept, and begin to connect."""
        keep_log()
        app = self.open()
        self._running = asyncio.ensure_future(app.run_async(mouse=self.settings.mouse))
        self._running.add_done_callback(self._ended)
        ended = DeferredList([conversation.closed for conversation in self._conversations])
        ended.addCallback(lambda _: Deferred.fromCoroutine(self._close())).chainDeferred(
            self.closed
        )
        for conversation in self._conversations:
            conversation.start()

    def stop(self) -> Deferred[None]:
        """End at once; fires when all is closed."""
        for conversation in self._conversations:
            conversation.stop()
        stopped: Deferred[None] = Deferred()
        self.closed.addCallback(stopped.callback)
        return stopped

    # What the app calls.

    def enter(self, text: str) -> None:
        """Deal with what was typed; the help of all has a page of its own."""
        if text.strip() == "/help":
            self._app.action_help()
            return
        self._desk(self.model.network).to.enter(text)

    def edited(self, text: str) -> None:
        """Take note of what stands in the input by now."""
        if self.settings.typing:
            self._desk(self.model.network).types(text)

    def completions(self, before: str) -> Iterator[Completion]:
        """Yield what the text up to the cursor may become."""
        return self._desk(self.model.network).to.completions(before)

    def drawn(self, *, wants_older: bool) -> None:
        """Take note that the current room was drawn, near the oldest that is here or not."""
        shown, desk = self.model.shown, self._desk(self.model.network)
        if wants_older and not shown.is_cleared:
            desk.past.fetch(shown)
        if self.model.is_focused and shown.scrollback.is_at_end:
            desk.seen(shown)

    def wants_older(self) -> None:
        """Fetch what is older than all that is here, also of a room that was cleared."""
        self.model.shown.is_cleared = False
        self.changed()

    def leave(self, farewell: str = "") -> None:
        """End when all that was sent is answered; at the second time, at once.

        The first time only warns where messages would be lost.
        """
        if self._is_leaving:
            self.stop()
            return
        unsent = sum(one.unsent for one in self._conversations)
        if unsent and not self._is_warned:
            self._is_warned = True
            text = f"{unsent} messages wait for the connection: leave again to go without them"
            self.model.show([lines.error(text, self._now())])
            self.changed()
            return
        self._is_leaving = True
        for conversation in self._conversations:
            conversation.leave(farewell)

    # What the networks call.

    def changed(self) -> None:
        """Have what changed drawn soon."""
        if self._drawing is None or not self._drawing.active():
            wait = max(0.0, self._drawn + REDRAW - self._reactor.seconds())
            self._drawing = self._reactor.callLater(wait, self._draw)

    def notify(self, notice: Notice) -> None:
        """Give notice of a message."""
        self._notifier.give(notice, self.settings.notify)

    def can_draw(self, picture: list[str]) -> bool:
        """Return whether there is room, behind the time, and the characters are known."""
        width, height = self._app.talk_size
        return len(picture) <= height and fits(picture, width - TIME_WIDTH, sys.stdout.encoding)

    def ask_password(self, account: str, network: str) -> Deferred[str | None]:
        """Fire with what somebody gives as the password."""
        return self._app.ask_password(account, network)

    def change(self, name: str | None, value: str | None) -> Iterator[str]:
        """Change or show settings, and yield what there is to say; raises `SettingError`."""
        if name is not None and value is not None:
            changed = self.settings.with_value(name, value)
            settings.write(settings.settings_path(), name, getattr(changed, name))
            self.settings = changed
            for desk in self._desks:
                desk.follow(changed)
            self._app.follow()
        for setting in [settings.find(name)] if name is not None else SETTINGS.values():
            shown = self.settings.text(setting.name) or "nothing"
            yield f"{setting.name} is {shown}: {setting.help} ({setting.allowed})"

    def offer(self, found: Sequence[Said]) -> Deferred[Said | None]:
        """Fire with which of these messages somebody chooses, if one."""
        return self._app.offer(found, self._title)

    def reveal(self, buffer: Buffer, number: int) -> None:
        """Go to a message."""
        self.model.go(buffer)
        self._app.reveal(number)

    # Its parts.

    def _desk(self, network: Network) -> Desk:
        return next(desk for desk in self._desks if desk.network is network)

    def _title(self, said: Said) -> str:
        when = said.time.astimezone(self._now().tzinfo) if said.time is not None else None
        shown = f"{when:%Y-%m-%d %H:%M} " if when is not None else ""
        return strip_formatting(f"{shown}{said.room} <{said.sender}> {lines.first_line(said.text)}")

    def _tell_complaints(self) -> None:
        complaints, self._complaints = self._complaints, []
        self.model.show(lines.error(text, self._now()) for text in complaints)
        self.changed()

    def _ended(self, running: asyncio.Future[None]) -> None:
        if self._app.failure is not None:
            log = write_failure(self._app.failure)
            self._failure = f"the console failed: the reason is in {log}"
        self.stop()

    async def _close(self) -> None:
        if self._drawing is not None and self._drawing.active():
            self._drawing.cancel()
        if self._app.is_running:
            self._app.exit()
        await Deferred.fromFuture(self._running)

    def _draw(self) -> None:
        self._drawn = self._reactor.seconds()
        self.model.look()
        if self._app.is_running:
            # Not here: Textual wants its own context.
            self._app.call_later(self._app.refresh_all)
