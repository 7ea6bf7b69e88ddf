"""Runs a task of a program: connects, again where that is worth it, and ends in time."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from chat.client.client import Client, MakeState
from chat.client.events import ClientEvent, Disconnected, PasswordWanted, Rejected
from chat.client.protocol import Listener
from chat.client.state import ClientState
from chat.client.task import Done, Failed, Postponed, Progress, Task, TaskState

#: Seconds after which what the server could not do is asked for again.
AGAIN = 1.0


class Outcome(IntEnum):
    """How a task ended; the program's exit code."""

    DONE = 0
    FAILED = 1
    UNCERTAIN = 3
    INTERRUPTED = 130


class Script:
    """``closed`` fires with the outcome, and why it is not a good one, once all is closed.

    ``tell`` is told of the task's progress and of connections that break.  ``patience``
    are the seconds without progress after which it is given up, as long as it waits.
    """

    def __init__(
        self,
        connect: Callable[[Listener, MakeState], Client],
        task: Task,
        tell: Listener,
        clock: IReactorTime,
        patience: float,
    ) -> None:
        self.closed: Deferred[tuple[Outcome, str]] = Deferred()
        self._client = connect(self._heard, lambda identity, _: TaskState(task, identity))
        self._task = task
        self._tell = tell
        self._clock = clock
        self._patience = patience
        self._overdue: IDelayedCall | None = None
        self._again: IDelayedCall | None = None
        self._trouble = ""
        self._is_over = False

    def start(self) -> None:
        """Begin to connect."""
        self._wait()
        self._client.start()

    def stop(self) -> Deferred[None]:
        """Give up; fires when all is closed."""
        self._end(Outcome.INTERRUPTED)
        stopped: Deferred[None] = Deferred()

        def pass_on(result: tuple[Outcome, str]) -> tuple[Outcome, str]:
            stopped.callback(None)
            return result

        self.closed.addCallback(pass_on)
        return stopped

    def resume(self) -> None:
        """Have the task send what it can send by now."""
        if not self._is_over:
            if self._overdue is None:
                self._wait()
            self._client.perform(_resume)

    def _heard(self, event: ClientEvent) -> None:
        if self._is_over:
            return
        match event:
            case Done():
                self._end(Outcome.DONE)
            case Failed(reason, is_uncertain):
                self._end(Outcome.UNCERTAIN if is_uncertain else Outcome.FAILED, reason)
            case Rejected(cause, remedy):
                self._end(Outcome.FAILED, f"{cause}: {remedy}")
            case PasswordWanted(account):
                text = f"the server wants the password of {account}: give --password-file FILE"
                self._end(Outcome.FAILED, text)
            case Postponed():
                self._cancel(self._again)
                self._again = self._clock.callLater(AGAIN, self.resume)
            case Disconnected(reason):
                self._trouble = reason
                self._cancel(self._again)
                if self._task.is_waiting and self._overdue is None:
                    self._wait()
                self._tell(event)
            case _:
                self._tell(event)
                if isinstance(event, Progress):
                    self._wait()

    def _wait(self) -> None:
        """Give the server time for its next answer, if it owes one."""
        self._cancel(self._overdue)
        self._overdue = None
        if self._task.is_waiting:
            self._overdue = self._clock.callLater(self._patience, self._late)

    def _late(self) -> None:
        why = self._trouble or "the server did not answer"
        outcome = Outcome.UNCERTAIN if self._task.is_uncertain else Outcome.FAILED
        self._end(outcome, f"{why}: given up after {self._patience:g} s")

    def _cancel(self, call: IDelayedCall | None) -> None:
        if call is not None and call.active():
            call.cancel()

    def _end(self, outcome: Outcome, why: str = "") -> None:
        if self._is_over:
            return
        self._is_over = True
        self._cancel(self._overdue)
        self._cancel(self._again)
        self._client.stop().addCallback(lambda _: self.closed.callback((outcome, why)))


def _resume(state: ClientState) -> list[ClientEvent]:
    return state.resume() if isinstance(state, TaskState) else []
