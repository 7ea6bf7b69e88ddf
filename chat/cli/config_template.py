"""The ``securechat.toml`` that a new network starts with."""

from __future__ import annotations

import json

from attrs import fields

from chat.network.settings import Limits, Performance

_TEMPLATE = """\
# The configuration of a securechat network.
# Paths are relative to this file.  A line that is commented out shows the default.

[network]
name = {name}
server = {server}
# A text file that is shown to everybody who connects.
# motd = "motd.txt"
# Who runs it, up to three lines for the command ADMIN.
# admin = ["The lab", "Room 12", "admin@lab.example"]
# How nicknames and channels are compared; not to be changed later.  "ascii", "rfc1459", or
# "precis": nicknames in any script, and none that looks like another one.
# casemapping = "ascii"
# Client-only tags that are taken off messages, without their "+": ["typing"] for example, or
# ["*", "-securechat/id"] for all but one.
# denied_client_tags = []

[listen]
# Where clients connect; add the machine's own addresses for others to reach it.
tls = ["127.0.0.1:6697", "[::1]:6697"]
# What invitations and profiles say, where clients come by another name or port, as behind NAT.
# The server's certificate has to be for that name.
# address = "chat.example.org:6697"
# IRC over WebSocket, with the same certificates, for clients in a browser and others.
# websocket = ["127.0.0.1:6698"]
# Which web pages may use it, for example "https://chat.lab.example"; none by default.
# websocket_origins = []

[tls]
certificate = "keys/server.crt"
key = "keys/server.key"
# A client's certificate must come from an authority in this file, and must not be on the list
# of that authority.  Either file may hold several.
authority = "keys/ca.crt"
revocations = "keys/revocations.pem"
# The oldest version of TLS; "1.2" lets in clients that cannot do better.
minimum = "1.3"
# Whether clients may resume their TLS sessions, for an hour, with a ticket in place of their
# key: less traffic, and an eighth less work.  A restart takes it into use.
# resumption = false

[authority]
# The built-in authority; "" for none, where others issue the certificates.
# With the issuing key at hand the server renews its own certificate, and re-signs the
# revocation list every day.  The list ends after seven days, and then nobody gets in: without
# the passphrase here, run "securechat cert renew-list" every few days.  "credential:NAME" is
# systemd's LoadCredential=NAME:FILE; "securechat-passphrase" is found without being named here.
directory = "keys"
{passphrase_file}
# How long the certificate of a device is valid, and for how long after that it may renew itself.
# device_days = 30
# grace_days = 7

[database]
# sqlite:PATH, or mariadb://USER:PASSWORD@HOST:PORT/NAME,
# or mariadb://USER@/NAME?unix_socket=PATH&password_file=PATH
url = {database}

[accounts]
# "required": nobody takes part without logging in to an account.
login = "required"
# "certificate": one can log in to the account only that one's certificate names.
identity = "certificate"
# "optional": the certificate alone suffices (SASL EXTERNAL).
password = "required"
# "account": the nickname is the account's name.
nickname = "account"
# "closed": accounts are made by "securechat user add".
registration = "closed"
# Who stays in their rooms with no device connected: "mandatory" (everybody), "opt-out"
# (everybody but who says PERSISTENCE SET OFF), "opt-in" (who says PERSISTENCE SET ON), "disabled".
persistence = "opt-out"

[history]
# How much of each room and conversation is kept; 0: for ever.  What is older, or beyond that
# many messages, is deleted.  The mode +H of a room can only be stricter.
# keep_days = 0
# keep_messages = 0

[limits]
{limits}

[performance]
# Entries (messages, joins, ...) that may wait to be stored: from half of it on, senders are
# slowed down.  And those of one transaction.  A restart takes them into use.
{performance}

[operators]
# name = "hash", from "securechat password-hash"
"""


def render(*, network: str, server: str, database: str, passphrase_file: str | None) -> str:
    """Return the text of a new configuration."""
    return _TEMPLATE.format(
        name=quote(network),
        server=quote(server),
        database=quote(database),
        passphrase_file=(
            '# passphrase_file = "passphrase.txt"'
            if passphrase_file is None
            else f"passphrase_file = {quote(passphrase_file)}"
        ),
        limits=_defaults(Limits()),
        performance=_defaults(Performance()),
    )


def _defaults(section: Limits | Performance) -> str:
    """Return the keys of a section with their defaults, commented out."""
    return "\n".join(
        f"# {attribute.name} = {json.dumps(getattr(section, attribute.name))}"
        for attribute in fields(type(section))
    )


def quote(text: str) -> str:
    """Return ``text``, which is printable, as a string of TOML."""
    return json.dumps(text, ensure_ascii=False)
