"""A store in this process: Twisted's reactor runs in a thread beside the scenario."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import cache
from pathlib import Path
from threading import Thread
from typing import Any, TypeVar, cast

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.threads import blockingCallFromThread

from chat.store.store import Store, open_store

T = TypeVar("T")
_in_reactor: Callable[..., Any] = blockingCallFromThread


def with_store(url: str, directory: Path, work: Callable[[Store], Coroutine[Any, Any, T]]) -> T:
    """Open the store, and return what ``work`` returns."""

    async def run() -> T:
        store = await open_store(reactor, url, directory, deadline=600.0)
        try:
            return await work(store)
        finally:
            await store.close()

    _start_reactor()
    return cast(T, _in_reactor(reactor, lambda: Deferred.fromCoroutine(run())))


@cache
def _start_reactor() -> None:
    # It is a daemon: what it does is over when the scenario is.
    Thread(target=reactor.run, kwargs={"installSignalHandlers": False}, daemon=True).start()
