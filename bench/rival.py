"""A server of others to compare with: InspIRCd, which stores nothing and has echo-message.

It runs with TLS 1.3 on the same certificate, and with all that would slow a client
down (fake lag, limits, look-ups) out of the way.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from attrs import frozen

from tests.support.servers import Home, until

_CONFIGURATION = """\
<server name="rival.test" description="rival" id="00A" network="Rival">
<admin name="rival" nick="rival" email="rival@rival.test">
<module name="ssl_gnutls">
<sslprofile name="bench" provider="gnutls" certfile="{keys}/server.crt"
    keyfile="{keys}/server.key" cafile="{keys}/ca.crt" hash="sha256" requestclientcert="yes"
    priority="SECURE128:-VERS-ALL:+VERS-TLS1.3">
<bind address="127.0.0.1" port="{port}" type="clients" sslprofile="bench">
<connect name="bench" allow="*" resolvehostnames="no" useident="no" timeout="60" pingfreq="5m"
    recvq="1M" softsendq="512M" hardsendq="1G" commandrate="1000000000" threshold="1000000"
    fakelag="no" localmax="100000" globalmax="100000" maxconnwarn="no" modes="">
<class name="none" commands=""><type name="none" classes="none">
<performance somaxconn="1024" quietbursts="yes" clonesonconnect="no">
<module name="cap"><module name="ircv3_echomessage">
<files motd="/dev/null">
<pid file="{directory}/pid">
<log method="file" type="*" level="default" target="{directory}/log">
"""


@frozen
class Rival:
    """A running server of others."""

    name: str
    port: int
    pid: int


@contextmanager
def inspircd(home: Home) -> Iterator[Rival | None]:
    """Run InspIRCd with the network's keys; ``None`` where it is not installed."""
    program = shutil.which("inspircd", path="/usr/sbin:/usr/bin:/usr/local/bin")
    if program is None:
        click.echo("\nSkipped InspIRCd: it is not installed (Debian: apt-get install inspircd)")
        yield None
        return
    directory = Path(tempfile.mkdtemp(prefix="sc-rival-"))
    port = _free_port()
    configuration = directory / "inspircd.conf"
    keys = home.directory / "keys"
    configuration.write_text(_CONFIGURATION.format(keys=keys, port=port, directory=directory))
    options = ["--runasroot", "--nofork", "--config", str(configuration)]
    with (directory / "output").open("wb") as output:
        process = subprocess.Popen([program, *options], stdout=output, stderr=output)
    try:
        until(lambda: process.poll() is not None or _listens(port), "InspIRCd listens")
        if process.poll() is not None:
            raise click.ClickException((directory / "output").read_text(errors="replace"))
        yield Rival("InspIRCd", port, process.pid)
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(directory)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _listens(port: int) -> bool:
    with socket.socket() as connection:
        return connection.connect_ex(("127.0.0.1", port)) == 0
