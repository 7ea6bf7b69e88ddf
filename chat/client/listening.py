"""Where the proxy listens, and its run from start to stop."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

from attrs import frozen
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ServerEndpoint, TCP6ServerEndpoint, UNIXServerEndpoint
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort, IStreamServerEndpoint

from chat.client.profile import Profile
from chat.client.proxy import Proxy

#: Connections that may wait to be accepted.
_BACKLOG = 128


class ListenError(Exception):
    """An address that cannot, or must not, be listened on; the text says why."""


@frozen
class Place:
    """Somewhere to listen: a host's port, or the path of a unix socket."""

    host: str = ""
    port: int = 0
    path: str = ""

    def __str__(self) -> str:
        return self._named(self.port)

    def endpoint(self, reactor: Any) -> IStreamServerEndpoint:
        """Return the endpoint; a unix socket is for its owner alone."""
        if self.path:
            # The lock file tells a socket in use from one that a crash left behind.
            return UNIXServerEndpoint(reactor, self.path, _BACKLOG, mode=0o600, wantPID=True)
        if ":" in self.host:
            return TCP6ServerEndpoint(reactor, self.port, _BACKLOG, self.host)
        return TCP4ServerEndpoint(reactor, self.port, _BACKLOG, self.host)

    def bound(self, port: IListeningPort) -> str:
        """Return the address that ``port`` turned out to have."""
        return self._named(getattr(port.getHost(), "port", 0))

    def _named(self, port: int) -> str:
        if self.path:
            return f"unix:{self.path}"
        return f"[{self.host}]:{port}" if ":" in self.host else f"{self.host}:{port}"


def parse_place(text: str, *, insecure: bool) -> Place:
    """Return the place in ``HOST:PORT`` or ``unix:/path``; raises `ListenError`.

    Only what this computer alone can reach is let through, unless ``insecure``:
    whoever can connect speaks with the profile's certificate.
    """
    kind, _, path = text.partition(":")
    if kind == "unix" and path:
        return Place(path=path)
    name, _, port = text.rpartition(":")
    host = "127.0.0.1" if name == "localhost" else name.removeprefix("[").removesuffix("]")
    try:
        loopback = ip_address(host).is_loopback
    except ValueError:
        loopback = None
    if loopback is None or not port.isdecimal() or int(port) > 65535:
        raise ListenError(f"cannot listen on {text!r}: write 127.0.0.1:6667, or unix:/path")
    if not loopback and not insecure:
        raise ListenError(
            f"other computers could reach {text} and speak as you:"
            " listen on 127.0.0.1, or say --insecure-listen"
        )
    return Place(host, int(port))


def serve(profile: Profile, place: Place, tell: Callable[[str], object]) -> None:
    """Run the proxy until a signal ends it; ``tell`` is told where it listens.

    Raises `ListenError` when it cannot listen.
    """
    from twisted.internet import reactor as installed

    reactor: Any = installed
    failures: list[CannotListenError] = []

    async def listen() -> None:
        try:
            port = await place.endpoint(reactor).listen(Proxy(profile, reactor))
        except CannotListenError as error:
            failures.append(error)
            reactor.stop()
        else:
            tell(f"listening on {place.bound(port)} for {profile.account} at {profile.address}")

    reactor.callWhenRunning(lambda: Deferred.fromCoroutine(listen()))
    reactor.run()
    for error in failures:
        why = getattr(error.socketError, "strerror", None) or error.socketError
        raise ListenError(f"cannot listen on {place}: {why}: choose another with --listen")
