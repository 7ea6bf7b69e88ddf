"""Servers of others to compare with: InspIRCd, ngIRCd and Ergo.

None of them stores on disk what is said.  Each has TLS 1.3 on the same keys and asks for a
client's certificate; what would slow clients down (penalties, limits, look-ups) is out of
the way.  The configurations below are all that differs from what each does by itself.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from attrs import frozen

#: Where Debian has servers, which is not on everybody's PATH.
_PATH = os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin"

_INSPIRCD = """\
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
<performance somaxconn="1024" softlimit="100000" quietbursts="yes" clonesonconnect="no">
<module name="cap"><module name="ircv3"><module name="ircv3_accounttag">
<module name="ircv3_batch"><module name="ircv3_ctctags"><module name="ircv3_echomessage">
<module name="ircv3_labeledresponse"><module name="ircv3_msgid"><module name="ircv3_servertime">
<module name="services_account">
<files motd="/dev/null">
<pid file="{directory}/pid">
<log method="file" type="*" level="default" target="{directory}/log">
"""

_NGIRCD = """\
[Global]
    Name = rival.test
    Info = rival
    Listen = 127.0.0.1
    Ports =
    AdminInfo1 = rival
    AdminEMail = rival@rival.test
    MotdPhrase = hello
[Limits]
    IdleTimeout = 0
    MaxConnections = 0
    MaxConnectionsIP = 0
    MaxNickLength = 31
    MaxPenaltyTime = 0
    PingTimeout = 600
    PongTimeout = 600
[Options]
    DNS = no
    Ident = no
    PAM = no
[SSL]
    CertFile = {keys}/server.crt
    KeyFile = {keys}/server.key
    CAFile = {keys}/ca.crt
    Ports = {port}
    CipherList = SECURE128:-VERS-ALL:+VERS-TLS1.3
"""

# Its history is in memory, of the sizes that it has by itself; passwords cost what ours do.
_ERGO = """\
network:
    name: Rival
server:
    name: rival.test
    listeners:
        "127.0.0.1:{port}":
            tls:
                cert: {keys}/server.crt
                key: {keys}/server.key
            min-tls-version: 1.3
    casemapping: ascii
    enforce-utf8: true
    max-sendq: 512m
    ip-limits:
        count: false
        throttle: false
    ip-cloaking:
        enabled: true
        netname: irc
        cidr-len-ipv4: 32
        cidr-len-ipv6: 64
        num-bits: 64
accounts:
    authentication-enabled: true
    registration:
        enabled: true
        allow-before-connect: true
        bcrypt-cost: 12
        verify-timeout: 32h
    nick-reservation:
        enabled: true
        method: strict
    multiclient:
        enabled: true
        allowed-by-default: true
        always-on: opt-in
        auto-away: opt-in
channels:
    default-modes: +ntC
    max-channels-per-client: 100
logging:
    - method: stderr
      type: "* -userinput -useroutput"
      level: error
datastore:
    path: {directory}/ircd.db
lock-file: {directory}/ircd.lock
languages:
    enabled: false
limits:
    nicklen: 32
    identlen: 20
    realnamelen: 150
    channellen: 64
    awaylen: 390
    kicklen: 390
    topiclen: 390
    monitor-entries: 100
    whowas-entries: 100
    chan-list-modes: 100
    registration-messages: 1024
    multiline:
        max-bytes: 4096
        max-lines: 100
fakelag:
    enabled: false
history:
    enabled: true
    channel-length: 2048
    client-length: 256
    autoresize-window: 3d
    chathistory-maxmessages: 1000
    restrictions:
        query-cutoff: none
"""


@frozen
class Rival:
    """One of them; in ``command``, ``{program}`` and ``{file}`` stand for their paths."""

    name: str
    program: str
    configuration: str
    command: tuple[str, ...]
    #: What is run once before it.
    before: tuple[str, ...] = ()
    #: How many clients may come at once, so that none has to try again.
    at_once: int = 100
    #: How one gets it.
    source: str = ""

    def path(self) -> str | None:
        """Return where the program is; ``None`` where it is not installed."""
        return shutil.which(self.program, path=_PATH)

    def version(self) -> str:
        """Return the version, or that there is none."""
        path = self.path()
        if path is None:
            return "is not installed"
        done = subprocess.run([path, "--version"], capture_output=True, text=True)
        found = re.search(r"\d+(\.\d+)+", done.stdout)
        return found[0] if found else "of an unknown version"

    def configured(self, directory: Path, keys: Path, port: int) -> list[str]:
        """Write the configuration into a new directory, and return the command that runs it."""
        file = directory / "configuration"
        file.write_text(self.configuration.format(directory=directory, keys=keys, port=port))
        if self.before:
            subprocess.run(self._words(self.before, file), check=True, cwd=directory)
        return self._words(self.command, file)

    def _words(self, command: Sequence[str], file: Path) -> list[str]:
        return [word.format(program=self.path(), file=file) for word in command]


RIVALS = {
    "inspircd": Rival(
        "InspIRCd",
        "inspircd",
        _INSPIRCD,
        ("{program}", "--runasroot", "--nofork", "--nopid", "--config", "{file}"),
        # It registers them once a second.
        at_once=500,
        source="Debian: apt-get install inspircd",
    ),
    "ngircd": Rival(
        "ngIRCd",
        "ngircd",
        _NGIRCD,
        ("{program}", "--nodaemon", "--config", "{file}"),
        # Its queue for accept(2) has room for ten.
        at_once=10,
        source="Debian: apt-get install ngircd",
    ),
    "ergo": Rival(
        "Ergo",
        "ergo",
        _ERGO,
        ("{program}", "run", "--conf", "{file}", "--quiet"),
        before=("{program}", "initdb", "--conf", "{file}", "--quiet"),
        source="no package of Debian has it: put a release of ergo.chat on the PATH",
    ),
}
