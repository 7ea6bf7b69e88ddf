"""One command for the server, without a conversation: connect, ask, take the answer, leave."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure

from chat.client.client import Client
from chat.client.events import (
    Answered,
    ClientEvent,
    DeviceInvited,
    Disconnected,
    PasswordWanted,
    Refused,
    Registered,
    Rejected,
    ServerNotice,
)
from chat.client.protocol import Listener
from chat.console.plain.pipe import AskPassword
from chat.irc.message import Message

#: Seconds for the connection, and for the answer.
PATIENCE = 30.0
#: The PINGs around the command: what comes between their answers, answers it.
_BEFORE, _BEHIND = "before", "behind"

Answer = ServerNotice | DeviceInvited


class ErrandError(Exception):
    """It was not done; the text says why, and what to do."""


class Errand:
    """``closed`` fires with the answers once all is closed, or fails with `ErrandError`."""

    def __init__(
        self,
        connect: Callable[[Listener], Client],
        message: Message,
        ask_password: AskPassword,
        clock: IReactorTime,
    ) -> None:
        self.closed: Deferred[list[Answer]] = Deferred()
        self._client = connect(self._heard)
        self._message = message
        self._ask_password = ask_password
        self._clock = clock
        self._answers: list[Answer] | None = None
        self._overdue: IDelayedCall | None = None
        self._is_over = False

    def start(self, password: str | None = None) -> None:
        """Begin to connect."""
        self._wait()
        self._client.start(password)

    def stop(self) -> Deferred[None]:
        """Give up; fires when all is closed."""
        self._end("it was broken off")
        stopped: Deferred[None] = Deferred()

        def pass_on(result: list[Answer] | Failure) -> list[Answer] | Failure:
            stopped.callback(None)
            return result

        self.closed.addBoth(pass_on)
        return stopped

    def _heard(self, event: ClientEvent) -> None:
        if self._is_over:
            return
        match event:
            case Registered():
                self._client.send(Message("PING", (_BEFORE,)))
            case Answered(token) if token == _BEFORE:
                self._wait()
                self._answers = []
                self._client.send(self._message)
                self._client.send(Message("PING", (_BEHIND,)))
            case Answered(token) if token == _BEHIND:
                self._end()
            case Refused(text=text) if self._answers is not None:
                self._end(text)
            case ServerNotice() | DeviceInvited() if self._answers is not None:
                self._answers.append(event)
            case Rejected(cause, remedy):
                self._end(f"{cause}: {remedy}")
            case Disconnected(reason) if not self._answers:
                self._end(f"{reason}: check the address, and that the server runs")
            case Disconnected():
                self._end()  # who removes the device in use is answered, and cut off
            case PasswordWanted(account):
                self._cancel()
                self._ask_password(account).addCallback(self._log_in, account)

    def _log_in(self, password: str | None, account: str) -> None:
        if password and not self._is_over:
            self.start(password)
        else:
            self._end(f"the server wants the password of {account}: give --password-file FILE")

    def _wait(self) -> None:
        self._cancel()
        text = f"the server did not answer within {PATIENCE:.0f} s: try again"
        self._overdue = self._clock.callLater(PATIENCE, self._end, text)

    def _cancel(self) -> None:
        if self._overdue is not None and self._overdue.active():
            self._overdue.cancel()

    def _end(self, why: str | None = None) -> None:
        """Close all, and say why it was not done, if it was not."""
        if self._is_over:
            return
        self._is_over = True
        self._cancel()
        answers = self._answers or []

        def tell(_: object) -> None:
            if why is None:
                self.closed.callback(answers)
            else:
                self.closed.errback(ErrandError(why))

        self._client.stop().addCallback(tell)
