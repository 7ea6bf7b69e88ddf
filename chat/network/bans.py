"""Bans from the network, and whom they match.

A mask is ``nick!user@host`` with wildcards, ``a:account``, ``c:fingerprint`` of a
certificate, or an address or range such as ``192.0.2.0/24``.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address, ip_network

from attrs import frozen

from chat.irc import mask as irc_mask
from chat.network.entities import Client
from chat.network.ids import Timestamp
from chat.network.records import NetworkBan

ACCOUNT, CERTIFICATE = "a:", "c:"


@frozen
class Subject:
    """Somebody who is or wants to be on the network."""

    source: str
    host: str
    account: str | None
    certificate: str


def canonical(mask: str) -> str:
    """Return ``mask`` in the form under which it is kept."""
    if mask.startswith((ACCOUNT, CERTIFICATE)):
        return mask
    try:
        return str(ip_network(mask, strict=False))
    except ValueError:
        return irc_mask.canonical(mask)


def is_too_wide(mask: str) -> bool:
    """Return whether a canonical mask would match everybody."""
    if mask in (ACCOUNT, CERTIFICATE):
        return True
    return not set(mask.partition(":")[2] if mask[1:2] == ":" else mask) - set("*?!@.:/0")


def find(bans: Iterable[NetworkBan], subject: Subject, now: Timestamp) -> NetworkBan | None:
    """Return a ban that is in force for ``subject``."""
    for ban in bans:
        if (ban.expires is None or ban.expires > now) and _matches(ban.name, subject):
            return ban
    return None


def matches_client(ban: NetworkBan, client: Client) -> bool:
    """Return whether ``ban`` matches a client, by any of its sessions where it has one."""
    fingerprints = {each.fingerprint for each in client.sessions.values()} or {""}
    return any(
        _matches(ban.name, Subject(client.source, client.host, client.account, fingerprint))
        for fingerprint in fingerprints
    )


def _matches(mask: str, subject: Subject) -> bool:
    if mask.startswith(ACCOUNT):
        wanted = mask.removeprefix(ACCOUNT)
        return subject.account is not None and irc_mask.matches(wanted, subject.account)
    if mask.startswith(CERTIFICATE):
        return mask.removeprefix(CERTIFICATE).casefold() == subject.certificate
    if "!" in mask:
        return irc_mask.matches(mask, subject.source)
    try:
        return ip_address(subject.host) in ip_network(mask)
    except ValueError:
        return False
