"""A private mariadbd for the tests: one per process, without a network, gone at the end.

What it needs stands in one temporary directory with a short name, because the
path of a socket has at most 107 bytes.
"""

from __future__ import annotations

import atexit
import itertools
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from functools import cache
from pathlib import Path
from unittest import SkipTest

_TIMEOUT = 30.0


class MariaDBServer:
    """One server, with ``options`` of its own; `start` and `kill` may be called often."""

    def __init__(self, *options: str) -> None:
        missing = [name for name in ("mariadbd", "mariadb-install-db") if not _which(name)]
        if missing:
            raise SkipTest(f"not installed: {', '.join(missing)}")
        self._directory = Path(tempfile.mkdtemp(prefix="sc-"))
        self.socket = self._directory / "s"
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        self._names = itertools.count(1)
        atexit.register(self.remove)
        self._install()

    def _install(self) -> None:
        done = subprocess.run(
            [
                _which("mariadb-install-db") or "",
                "--no-defaults",
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
                "--innodb-log-file-size=8M",
                f"--datadir={self._directory / 'data'}",
                *_as_root(),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            # A mariadbd that starts removes the temporary tables of others in the same place.
            env={**os.environ, "TMPDIR": str(self._directory)},
        )
        if done.returncode:
            raise RuntimeError(done.stdout.decode(errors="replace")[-4000:])

    def start(self) -> None:
        """Start the server unless it runs, and wait until it takes connections."""
        if self._process is not None:
            return
        # Should this process be killed, the server ends with it.
        guard = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
        with (self._directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *guard,
                    _which("mariadbd") or "",
                    "--no-defaults",
                    "--skip-networking",
                    f"--socket={self.socket}",
                    f"--datadir={self._directory / 'data'}",
                    f"--pid-file={self._directory / 'pid'}",
                    f"--tmpdir={self._directory}",
                    # What is committed must be there after a SIGKILL.
                    "--innodb-flush-log-at-trx-commit=1",
                    "--innodb-buffer-pool-size=32M",
                    "--performance-schema=OFF",
                    *self._options,
                    *_as_root(),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        end = time.monotonic() + _TIMEOUT
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > end:
                raise RuntimeError((self._directory / "log").read_text(errors="replace")[-4000:])
            time.sleep(0.01)

    @property
    def pid(self) -> int:
        """The process, while it runs."""
        assert self._process is not None
        return self._process.pid

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as connection:
            try:
                connection.connect(str(self.socket))
            except OSError:
                return False
            # The server speaks first.
            connection.settimeout(_TIMEOUT)
            return bool(connection.recv(1))

    def stop(self) -> None:
        """End the server in an orderly way."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End the server as a crash does."""
        self._end(signal.SIGKILL)

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(signal.SIGCONT)
            process.send_signal(number)
            process.wait(_TIMEOUT)
            self.socket.unlink(missing_ok=True)

    def pause(self) -> None:
        """Let the server take connections and bytes, and answer nothing."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)
            # Its last thread may answer until then.
            os.waitid(os.P_PID, self._process.pid, os.WSTOPPED | os.WNOWAIT)

    def resume(self) -> None:
        """End a pause."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    def execute(self, *statements: str) -> list[tuple[object, ...]]:
        """Run statements as root, and return the last one's rows."""
        import MySQLdb

        connection = MySQLdb.connect(
            unix_socket=str(self.socket), user="root", read_timeout=30, autocommit=True
        )
        try:
            cursor = connection.cursor()
            for statement in statements:
                cursor.execute(statement)
            return list(cursor.fetchall())
        finally:
            connection.close()

    def create_database(self) -> str:
        """Return the name of a new, empty database."""
        name = f"t{next(self._names)}"
        self.execute(f"CREATE DATABASE {name}")
        return name

    def drop_database(self, name: str) -> None:
        """Remove a database."""
        self.execute(f"DROP DATABASE {name}")

    def url(self, name: str) -> str:
        """Return a database's URL, as securechat.toml has it."""
        return f"mariadb://root@/{name}?unix_socket={self.socket}"

    def remove(self) -> None:
        """End the server, and leave nothing behind."""
        self.kill()
        shutil.rmtree(self._directory, ignore_errors=True)


@cache
def shared_server() -> MariaDBServer:
    """Return this process's server, made when the first test needs it; raises SkipTest."""
    return MariaDBServer()


def _which(name: str) -> str | None:
    """Return a program's path; Debian has mariadbd where only root's PATH leads."""
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")


def _as_root() -> list[str]:
    """Return the option without which mariadbd does not run as root."""
    return ["--user=root"] if os.geteuid() == 0 else []
