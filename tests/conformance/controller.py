"""What irctest loads with ``--controller tests.conformance.controller``.

Each test gets a new server, the real program, and reaches it through the real
``securechat proxy``, which presents a device's certificate for it.
"""

from __future__ import annotations

import atexit
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from attrs import fields
from irctest import patma
from irctest.basecontrollers import (
    BaseServerController,
    DirectoryBasedController,
    ProcessStopped,
)
from irctest.runner import NotImplementedByController
from irctest.specifications import Capabilities, OptionalBehaviors

from chat.network.settings import AccountSettings
from tests.conformance.home import ACCOUNT, Home, Value, has_websocket, program

#: Seconds that a start, or an end, may take.
_PATIENCE = 10.0
#: Seconds for a message of one connection to reach another.  The suite's tests of WebSocket ask
#: for it with a PING of the other's, and no PONG waits for what somebody else stores.
_DELIVERY = 0.05


class SecurechatController(BaseServerController, DirectoryBasedController):
    """A server, one proxy for IRC, and one for WebSocket where a test wants it.

    What is declared here as supported makes a test fail where it would be skipped.
    """

    software_name = "securechat"
    supported_sasl_mechanisms = frozenset({"PLAIN", "SCRAM-SHA-256"})
    #: STS is for networks that have a plaintext port.
    supports_sts = False
    extban_mute_char = "m"
    capabilities = frozenset(Capabilities) - {Capabilities.STS}
    #: All but the one that excludes UTF8ONLY.
    optional_behaviors = frozenset(OptionalBehaviors) - {OptionalBehaviors.NON_UTF8_MESSAGE}
    isupport = {  # noqa: RUF012 - the suite's form
        "BOT": "B",
        "CASEMAPPING": "ascii",
        "ELIST": "CMNTU",
        "EXCEPTS": patma.Either(None, "e"),
        "INVEX": patma.Either(None, "I"),
        "MONITOR": patma.StrRe("[0-9]+"),
        "MSGREFTYPES": "msgid,timestamp",
        "PREFIX": "(qaohv)~&@%+",
        "STATUSMSG": "~&@%+",
        "TARGMAX": patma.ANYSTR,
        "UTF8ONLY": None,
        "WHOX": None,
    }

    #: Those whose processes run: more than one where a test ended in its own set-up.
    _running: ClassVar[list[SecurechatController]] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._home: Home | None = None
        self._proxies: list[subprocess.Popen[bytes]] = []

    def run(
        self,
        hostname: str,
        port: int,
        *,
        password: str | None,
        ssl: bool,
        run_services: bool,
        faketime: str | None = None,
        websocket_hostname: str | None = None,
        websocket_port: int | None = None,
    ) -> None:
        """Start the server for one test, and return when it is ready."""
        if ssl:
            raise NotImplementedByController("TLS without a client certificate")
        if websocket_port is not None and not has_websocket():
            raise NotImplementedByController("WebSocket")
        _end_all(self._running)
        self._running.append(self)
        self.hostname, self.port = hostname, port
        self.create_config()
        assert self.directory is not None
        home = self._home = Home.copy(self.directory)
        # The suite's port is the proxy's: the server has one of its own behind it.
        ways = {port: self._free_port()}
        listen: dict[str, Value] = {"tls": [f"127.0.0.1:{ways[port]}"]}
        if websocket_port is not None:
            self.sync_sleep_time = _DELIVERY
            ways[websocket_port] = self._free_port()
            listen["websocket"] = [f"127.0.0.1:{ways[websocket_port]}"]
        # A password of the server is, here, that of the certificate's account.
        accounts: dict[str, Value] = {"login": "optional" if password is None else "required"}
        accounts |= self._registration()
        accounts["persistence"] = self._persistence()
        home.configure({"listen": listen, "accounts": accounts})
        if password is not None:
            home.add_user(ACCOUNT, password)
        self.faketime_enabled = faketime is not None
        self._start(home, faketime, ways)

    def _registration(self) -> dict[str, Value]:
        """Return how accounts are registered over IRC, as far as this version can be told."""
        wanted: dict[str, Value] = {
            "registration_before_connect": self.test_config.account_registration_before_connect,
            "registration_email": (
                "required" if self.test_config.account_registration_requires_email else "optional"
            ),
        }
        known = {attribute.name for attribute in fields(AccountSettings)}
        return {name: value for name, value in wanted.items() if name in known}

    def _persistence(self) -> str:
        """Return what a test wants Ergo's always-on to be, which is of the same values."""
        config = _Tree()
        config["accounts"]["multiclient"]["always-on"] = "opt-in"
        if self.test_config.ergo_config is not None:
            self.test_config.ergo_config(config)
        return str(config["accounts"]["multiclient"]["always-on"])

    def _free_port(self) -> int:
        _, port = self.get_hostname_and_port()
        return int(port)

    def _start(self, home: Home, faketime: str | None, ways: dict[int, int]) -> None:
        clocked = [sys.executable, "-m", "tests.conformance.clock", str(faketime)]
        self.proc = self.execute(
            [
                *(clocked if faketime else [program("twistd")]),
                "-n", "--pidfile=", f"--logfile={home.log}",
                "securechat", "--dir", home.directory,
            ],
            cwd=Path(__file__).parents[2],
            stdout=subprocess.DEVNULL,
            stderr=(home.directory / "server.err").open("wb"),
        )  # fmt: skip
        self._proxies = [
            self.execute(
                [
                    program("securechat"), "proxy",
                    "--dir", home.profile(server), "--listen", f"127.0.0.1:{suite}",
                ],
                stdout=(home.directory / f"proxy-{suite}.out").open("wb"),
                stderr=subprocess.STDOUT,
            )
            for suite, server in ways.items()
        ]  # fmt: skip
        self._until(lambda: "Ready: " in _text(home.log))
        for suite in ways:
            out = home.directory / f"proxy-{suite}.out"
            self._until(lambda out=out: "listening on" in _text(out))  # type: ignore[misc]
        self.port_open = True

    def _until(self, condition: Callable[[], bool]) -> None:
        end = time.monotonic() + _PATIENCE
        while not condition():
            self.check_is_alive()
            if time.monotonic() > end:
                raise TimeoutError(f"not ready after {_PATIENCE:.0f} s:\n{self._said()}")
            time.sleep(0.005)

    def _said(self) -> str:
        """Return everything that the processes logged or printed."""
        if self._home is None:
            return ""
        directory = self._home.directory
        files = [self._home.log, directory / "server.err", *sorted(directory.glob("proxy-*.out"))]
        return "".join(f"--- {file.name}\n{_text(file)}" for file in files if _text(file))

    def check_is_alive(self) -> None:
        """Raise the suite's error when one of the processes ended."""
        assert self.proc is not None
        for process in (self.proc, *self._proxies):
            if process.poll() is not None:
                raise ProcessStopped(f"{process.args} ended:\n{self._said()}")

    def kill(self) -> None:
        """End the processes, and remove the network."""
        if self in self._running:
            self._running.remove(self)
        super().kill()

    def kill_proc(self) -> None:
        """End the processes, and print what they said: pytest shows it for a test that failed."""
        assert self.proc is not None
        processes = [*self._proxies, self.proc]
        self.proc, self._proxies = None, []
        for process in processes:
            process.terminate()
        late = [process for process in processes if _outlives(process)]
        for process in late:
            process.kill()
            process.wait()
        print(self._said())
        assert not late, f"did not end within {_PATIENCE:.0f} s of SIGTERM: {late}"

    def supports_cap(self, capability: str) -> bool:
        """Say yes also to what the suite has no name for: a refusal of it is a failure."""
        return capability != Capabilities.STS.value

    def wait_for_services(self) -> None:
        """Do nothing: accounts are part of the server."""

    def registerUser(self, case: Any, username: str, password: str | None = None) -> None:
        """Add an account as an administrator does."""
        assert self._home is not None
        assert password is not None
        self._home.add_user(username, password)


class _Tree(dict[str, Any]):
    """The configuration of another server: what is not there begins to be when it is asked for."""

    def __missing__(self, key: str) -> _Tree:
        found = self[key] = _Tree()
        return found


def _end_all(controllers: list[SecurechatController]) -> None:
    for controller in list(controllers):
        controller.kill()


atexit.register(_end_all, SecurechatController._running)


def _outlives(process: subprocess.Popen[bytes]) -> bool:
    try:
        process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        return True
    return False


def _text(file: Path) -> str:
    return file.read_text(errors="replace") if file.exists() else ""


def get_irctest_controller_class() -> type[SecurechatController]:
    """Return the controller (the suite calls this)."""
    return SecurechatController
