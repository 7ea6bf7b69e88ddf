"""The full-screen console, from the first welcome to the end: Textual on Twisted's reactor.

It runs on asyncio's event loop, which has to be the reactor's.  What comes from the
network only changes the `Model`; how often that is drawn, `REDRAW` limits.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable
from datetime import datetime

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from chat.client.events import ClientEvent
from chat.console.app import ChatApp
from chat.console.lines import Line
from chat.console.log import keep_log, write_failure
from chat.console.model import Model
from chat.console.picture import fits
from chat.console.pipe import AskPassword, nobody_to_ask
from chat.console.plain import Input
from chat.console.scrollback import TIME_WIDTH

#: Seconds between two times that the screen is drawn for what comes.
REDRAW = 0.1


class Screen:
    """Takes over the terminal of this process from `read` to `close`.

    Before, a password is asked for by ``ask``.
    """

    interactive = True

    def __init__(self, clock: IReactorTime, ask: AskPassword) -> None:
        self._clock = clock
        self.ask_password = ask
        self._app: ChatApp | None = None
        self._running: asyncio.Task[None] | None = None
        self._drawing: IDelayedCall | None = None
        self._drawn = 0.0
        self._is_closing = False

    def can_draw(self, picture: list[str]) -> bool:
        """Return whether there is room, behind the time, and the characters are known."""
        width, height = self._app.talk_size if self._app is not None else (0, 0)
        return len(picture) <= height and fits(picture, width - TIME_WIDTH, sys.stdout.encoding)

    def attach(self, to: Input) -> None:
        """Take note of whom to call."""
        self._to = to
        self._model = Model(to.view)

    def read(self) -> None:
        """Take over the terminal."""
        if self._app is None:
            # Who is asked again later would have to see the question.
            self.ask_password = nobody_to_ask
            keep_log()
            self._app = ChatApp(self._model, self._to, lambda: datetime.now().astimezone())
            self._running = asyncio.ensure_future(self._run(self._app))

    def hold(self, held: bool) -> None:
        """Go on: a person may type meanwhile, and sees what is not sent."""

    def tell(self, event: ClientEvent, now: datetime) -> None:
        """Show what an event tells, soon."""
        self._model.hear(event, now)
        self._changed()

    def show(self, shown: Iterable[Line]) -> None:
        """Show lines of the program's own, soon."""
        self._model.show(shown)
        self._changed()

    def forget(self, nick: str) -> None:
        """Show no longer the conversation with somebody."""
        self._model.forget(nick)
        self._changed()

    def close(self) -> Deferred[None]:
        """Leave the terminal as it was."""
        return Deferred.fromCoroutine(self._close())

    async def _run(self, app: ChatApp) -> None:
        await app.run_async()
        if app.failure is not None:
            self._to.fail(f"the console failed: the reason is in {write_failure(app.failure)}")
        elif not self._is_closing:
            self._to.stop()

    async def _close(self) -> None:
        self._is_closing = True
        if self._drawing is not None and self._drawing.active():
            self._drawing.cancel()
        if self._app is not None and self._app.is_running:
            self._app.exit()
        if self._running is not None and self._running is not asyncio.current_task():
            await Deferred.fromFuture(self._running)

    def _changed(self) -> None:
        if self._app is None or (self._drawing is not None and self._drawing.active()):
            return
        wait = max(0.0, self._drawn + REDRAW - self._clock.seconds())
        self._drawing = self._clock.callLater(wait, self._draw, self._app)

    def _draw(self, app: ChatApp) -> None:
        self._drawn = self._clock.seconds()
        if app.is_running:
            # Not here: Textual wants its own context.
            app.call_later(app.refresh_all)
