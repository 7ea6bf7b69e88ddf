"""IRC servers of others, as Debian has them: with a certificate of our authority, on loopback."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
from pathlib import Path
from unittest import SkipTest

from attrs import field, frozen, mutable

from tests.support.servers import Home, until

_WHERE = "/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin"

_INSPIRCD = """\
<server name="other.test" description="other" id="00A" network="Other">
<admin name="other" nick="other" email="other@other.test">
<module name="ssl_gnutls">
<sslprofile name="tests" provider="gnutls" certfile="{keys}/server.crt"
    keyfile="{keys}/server.key" cafile="{keys}/ca.crt" hash="sha256" requestclientcert="yes">
<bind address="127.0.0.1" port="{port}" type="clients" sslprofile="tests">
<connect name="tests" allow="*" resolvehostnames="no" useident="no" localmax="100" globalmax="100">
<class name="none" commands=""><type name="none" classes="none">
{modules}
<files motd="/dev/null">
<pid file="{directory}/pid">
"""
_MODULES = (
    "cap", "ircv3", "ircv3_batch", "ircv3_ctctags", "ircv3_echomessage",
    "ircv3_labeledresponse", "ircv3_msgid", "ircv3_servertime",
)  # fmt: skip

_NGIRCD = """\
[Global]
    Name = other.test
    Info = other
    Listen = 127.0.0.1
    Ports =
    AdminInfo1 = other
    AdminEMail = other@other.test
    MotdPhrase = hello
[Limits]
    MaxConnectionsIP = 0
    MaxPenaltyTime = 0
[Options]
    DNS = no
    Ident = no
    PAM = no
[SSL]
    CertFile = {keys}/server.crt
    KeyFile = {keys}/server.key
    CAFile = {keys}/ca.crt
    Ports = {port}
"""


@frozen
class Kind:
    """A program, and how it is configured."""

    program: str
    options: tuple[str, ...]
    configuration: str
    modules: tuple[str, ...] = ()


NGIRCD = Kind("ngircd", ("--nodaemon",), _NGIRCD)
_NOFORK = ("--runasroot", "--nofork")
#: As its example configuration has it, with what IRCv3 has of modules, or nothing of that.
INSPIRCD = Kind("inspircd", _NOFORK, _INSPIRCD, _MODULES)
#: An echo comes without its label there.
INSPIRCD_ECHOING = Kind("inspircd", _NOFORK, _INSPIRCD, ("cap", "ircv3_echomessage"))


@mutable
class OtherServer:
    """One server; it may be killed and started again on the same port."""

    kind: Kind
    directory: Path
    port: int
    _program: str
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @classmethod
    def make(cls, kind: Kind, home: Home) -> OtherServer:
        """Return a server with the keys of a network; raises SkipTest where it is not installed."""
        program = shutil.which(kind.program, path=_WHERE)
        if program is None:
            raise SkipTest(f"not installed: {kind.program}")
        directory = Path(tempfile.mkdtemp(prefix="sc-other-"))
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = int(listener.getsockname()[1])
        modules = "\n".join(f'<module name="{name}">' for name in kind.modules)
        keys = home.directory / "keys"
        values = {"keys": keys, "port": port, "directory": directory, "modules": modules}
        (directory / "configuration").write_text(kind.configuration.format(**values))
        return cls(kind, directory, port, program)

    def start(self) -> None:
        """Start the server, and wait until it listens."""
        command = [self._program, *self.kind.options, "--config", self.directory / "configuration"]
        output = self.directory / "output"
        with output.open("ab") as file:
            self._process = subprocess.Popen(command, stdout=file, stderr=file)
        until(self._listens, f"{self.kind.program} listens")

    def _listens(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise AssertionError((self.directory / "output").read_text(errors="replace"))
        with socket.socket() as connection:
            return connection.connect_ex(("127.0.0.1", self.port)) == 0

    def kill(self) -> None:
        """End the process as a crash does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def cleanup(self) -> None:
        """Leave nothing behind."""
        self.kill()
        shutil.rmtree(self.directory)
