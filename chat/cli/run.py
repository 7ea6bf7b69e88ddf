"""``securechat run``: a network, its server and a client, with nothing set up before.

Each step is a command that one could have typed, run as one.
"""

from __future__ import annotations

import errno
import getpass
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from chat.cli.network import directory_option, load_config
from chat.pki.files import read_certificates, write_files
from chat.server.config import FILE_NAME, parse_address

#: Seconds that the server has to begin listening, and to end.
_START, _STOP = 30.0, 10.0
#: A certificate that ends sooner than this is replaced.
_RENEW = timedelta(days=3)
_DEVICE = "console"


@click.command()
@directory_option
@click.option("--plain", is_flag=True, help="The console that prints one line after the other.")
def run(directory: Path, plain: bool) -> None:
    """Try it: have a network in a directory, run its server, and chat.

    Makes what is not there yet: the network, an account and a certificate for
    you.  When you leave the console, the server that this started ends too.

    \b
    Example:
      securechat run --dir /tmp/try
    """  # noqa: D301
    directory.mkdir(parents=True, exist_ok=True)
    option = ("--dir", str(directory))
    if not (directory / FILE_NAME).exists():
        _step("init", *option, "--no-passphrase")
    profile = directory / "profile"
    name = _account_name()
    if not (profile / "password").exists():
        password = secrets.token_urlsafe(18)
        write_files({profile / "password": password.encode() + b"\n"})
        _step(
            "user", "add", name, *option, "--role", "admin", "--password-file", profile / "password"
        )
    _have_certificate(directory, profile, name)
    with _server(directory):
        arguments = ["--plain"] if plain else []
        connect = _command("connect", "--dir", profile, "--password-file", profile / "password")
        status = subprocess.call([*connect, *arguments])
    sys.exit(status)


def _have_certificate(directory: Path, profile: Path, name: str) -> None:
    """Issue a certificate for this machine, or a new one for one that is about to end."""
    present = sorted(profile.glob(f"*-{_DEVICE}.crt"))
    if present:
        certificate, *_ = read_certificates(present[0])
        if datetime.now(UTC) < certificate.not_valid_after_utc - _RENEW:
            return
        for path in profile.iterdir():
            if path.name != "password":
                path.unlink()
    _step("cert", "issue", name, "--device", _DEVICE, "--out", profile, "--dir", directory)


@contextmanager
def _server(directory: Path) -> Iterator[None]:
    """Run the server while the caller does something; one that runs already is left alone."""
    config = load_config(directory)
    address = parse_address(config.listen.tls[0])
    log = directory / "securechat.log"
    if _is_taken(address):
        click.echo(f"A server has {config.listen.tls[0]} already: using that one")
        yield
        return
    click.echo(f"Starting the server on {config.listen.tls[0]}, its log is {log}")
    log.touch(mode=0o600)
    before = log.stat().st_size
    arguments = ["-n", "--pidfile=", f"--logfile={log}", "securechat", "--dir", str(directory)]
    # In a session of its own, so that Ctrl+C in the console is not meant for it.
    server = subprocess.Popen(
        [sys.executable, "-c", _TWISTD, *arguments],
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    signal.signal(signal.SIGHUP, lambda number, frame: sys.exit(128 + number))
    try:
        _wait_until_ready(server, log, before)
        yield
    finally:
        server.terminate()
        try:
            server.wait(_STOP)
        except subprocess.TimeoutExpired:
            server.kill()


#: ``twistd`` of this interpreter, wherever its script is.
_TWISTD = "from twisted.scripts.twistd import run; run()"


def _wait_until_ready(server: subprocess.Popen[bytes], log: Path, before: int) -> None:
    """Wait for the line with which the service says so, behind byte ``before`` of its log."""
    deadline = time.monotonic() + _START
    while b"Ready: " not in log.read_bytes()[before:]:
        if server.poll() is not None:
            raise click.ClickException(f"the server did not start: the end of {log} says why")
        if time.monotonic() > deadline:
            raise click.ClickException(f"the server is not ready: look into {log}")
        time.sleep(0.05)


def _is_taken(address: tuple[str, int]) -> bool:
    """Return whether a program listens there, without a connection that its log would tell."""
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            return error.errno == errno.EADDRINUSE
    return False


def _account_name() -> str:
    """Return an account's name made of this person's login name."""
    name = re.sub(r"[^A-Za-z0-9_-]", "", getpass.getuser())[:30].lstrip("0123456789_-")
    return name or "me"


def _command(*words: object) -> list[str]:
    return [sys.executable, "-m", "chat", *map(str, words)]


def _step(*words: object) -> None:
    status = subprocess.call(_command(*words))
    if status:
        sys.exit(status)
