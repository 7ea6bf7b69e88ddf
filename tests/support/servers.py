"""A real server process, on a free loopback port and in a temporary directory."""

from __future__ import annotations

import atexit
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

from attrs import frozen

from chat.pki.layout import Layout
from tests.cli.programs import run
from tests.pki.networks import Network

#: Seconds after which what should happen at once has gone wrong.
PATIENCE = 20.0
PASSWORD = "correct horse battery staple"
PEOPLE = ("alice", "bob")
TWISTD = str(Path(sys.executable).with_name("twistd"))
#: What most tests want of the configuration, by section.
QUICK: Mapping[str, str] = {
    "listen": 'tls = ["127.0.0.1:0"]',
    "limits": "flood = false\ndatabase_timeout = 2.0",
}


def until(condition: Callable[[], object], what: str, patience: float = PATIENCE) -> None:
    """Wait for ``condition``; fail with ``what`` in the message when it does not come."""
    end = time.monotonic() + patience
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"in vain for {patience:.0f} s: {what}")
        time.sleep(0.01)


def securechat(*arguments: object) -> str:
    """Run a command that must succeed, and return what it printed."""
    done = run(arguments)
    assert done.returncode == 0, (arguments, done.stderr)
    return done.stdout


@frozen
class Home:
    """The directory of a network, as ``securechat init`` makes it, and its people's devices."""

    directory: Path

    @property
    def password_file(self) -> Path:
        """A file with the password of everybody."""
        return self.directory / "password"

    @property
    def authority(self) -> Network:
        """What issues certificates that no command would."""
        return Network(Layout(self.directory / "keys"))

    def device(self, account: str, device: str = "laptop") -> Device:
        """Return the files of a device, issued when there are none."""
        found = Device(self.directory / "devices" / f"{account}-{device}", account, device)
        if not found.directory.exists():
            securechat(
                "cert", "issue", account, "--device", device, "--out", found.directory,
                "--dir", self.directory,
            )  # fmt: skip
        return found

    def configure(self, **sections: str) -> None:
        """Give sections of the configuration these contents."""
        path = self.directory / "securechat.toml"
        text = path.read_text()
        for name, content in sections.items():
            section = rf"(?ms)^\[{name}\]\n.*?(?=^\[|\Z)"
            text, count = re.subn(section, lambda _, n=name, c=content: f"[{n}]\n{c}\n\n", text)
            assert count == 1, name
        path.write_text(text)


@frozen
class Device:
    """What ``securechat cert issue`` wrote for one device."""

    directory: Path
    account: str
    name: str

    @property
    def pem(self) -> Path:
        """The certificate and its key."""
        return self.directory / f"{self.account}-{self.name}.pem"

    @property
    def ca(self) -> Path:
        """What the server is checked against."""
        return self.directory / "ca.crt"


def make_home(database: str = "sqlite:securechat.db", **sections: str) -> Home:
    """Return a new network with the accounts and first devices of `PEOPLE`.

    It is a copy of one that this process made before; on MariaDB the accounts are new.
    """
    home = _new_home()
    shutil.copytree(_template().directory, home.directory, dirs_exist_ok=True)
    home.configure(**{**QUICK, "database": f'url = "{database}"', **sections})
    if not database.startswith("sqlite:"):
        _add_accounts(home)
    return home


def init_home(database: str, **sections: str) -> Home:
    """Return the like of `make_home`, with ``securechat init`` on the database itself."""
    home = _new_home()
    securechat("init", "--dir", home.directory, "--no-passphrase", "--database", database)
    home.password_file.write_text(f"{PASSWORD}\n")
    _add_accounts(home)
    for person in PEOPLE:
        home.device(person)
    home.configure(**{**QUICK, **sections})
    return home


@cache
def _template() -> Home:
    return init_home("sqlite:securechat.db")


def _new_home() -> Home:
    home = Home(Path(tempfile.mkdtemp(prefix="sc-live-")))
    atexit.register(shutil.rmtree, home.directory, ignore_errors=True)
    return home


def _add_accounts(home: Home) -> None:
    for person in PEOPLE:
        securechat(
            "user", "add", person, "--password-file", home.password_file, "--dir", home.directory
        )


class Server:
    """``twistd -n securechat`` in a process of its own; it may be started again and again."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.log_file = home.directory / "server.log"
        self.process: subprocess.Popen[bytes] | None = None
        self.port = 0
        self._begun = 0

    def start(self) -> None:
        """Start the server, and wait until it says that it is ready."""
        self.spawn()
        until(self._is_ready, f"the server is not ready:\n{self.log()}")
        self.port = self.listening_port()

    def listening_port(self) -> int:
        """Return the port that the log names."""
        return int(re.findall(r"Listening on .*port=(\d+)", self.log())[0])

    def websocket_port(self) -> int:
        """Return the port for WebSocket that the log names."""
        return int(re.findall(r"Listening for WebSocket on .*port=(\d+)", self.log())[0])

    def spawn(self) -> subprocess.Popen[bytes]:
        """Start the process, and do not wait."""
        self.log_file.touch()
        self._begun = self.log_file.stat().st_size
        self.process = subprocess.Popen(
            [
                TWISTD, "-n", "--pidfile=", f"--logfile={self.log_file}",
                "securechat", "--dir", str(self.home.directory),
            ],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )  # fmt: skip
        return self.process

    def _is_ready(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise AssertionError(f"the server ended:\n{self.log()}{self.errors()}")
        return "Ready: " in self.log()

    def log(self) -> str:
        """Return what the server logged since it was started last."""
        return self.log_file.read_bytes()[self._begun :].decode()

    def errors(self) -> str:
        """Return what a process that ended said on standard error."""
        assert self.process is not None
        assert self.process.stderr is not None
        return self.process.stderr.read().decode()

    def wait_for_log(self, text: str) -> None:
        """Wait for a line with ``text``."""
        until(lambda: text in self.log(), f"{text!r} is not in the log:\n{self.log()}")

    def kill(self) -> None:
        """End the process as a crash does."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """Ask the process to end, and return its exit code."""
        return self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> int:
        assert self.process is not None
        process, self.process = self.process, None
        process.send_signal(number)
        try:
            return process.wait(PATIENCE)
        finally:
            process.kill()
            if process.stderr is not None:
                process.stderr.close()

    def cleanup(self) -> None:
        """Leave no process behind."""
        if self.process is not None:
            self.kill()
