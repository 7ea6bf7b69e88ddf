"""The certificates of those who are connected: revoked, ended, or soon to end.

The handshake judges a certificate once; what becomes of it later reaches its sessions here.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from twisted.logger import Logger

from chat.irc.message import Message, serialize_limited
from chat.network import devices
from chat.network.certificate import Certificate
from chat.network.ids import SessionId, Timestamp
from chat.network.session import Peer, Phase
from chat.pki.revocation import RevocationLists, in_words
from chat.server.connections import IConnection
from chat.server.hub import Hub

_log = Logger()

_DAY = 86_400_000
#: Days before its end at which a client is told.
WARNINGS = (14, 7, 3, 1)
_NO_LIST = "The authority of your certificate is no longer trusted here"


class SessionCertificates:
    """Looks after all sessions of this node; ``lists`` returns the lists in force."""

    def __init__(self, hub: Hub, lists: Callable[[], RevocationLists]) -> None:
        self._hub = hub
        self._lists = lists
        #: The last warning that each session had, in days.
        self._warned: dict[SessionId, int] = {}

    def end_revoked(self, note: str = "") -> None:
        """End the sessions that would not get in now, and have their rooms told once.

        ``note`` is what the operator said who revoked them.  Whose authority has no list
        any more would not get in either.
        """
        network, now = self._hub.network, self._hub.now()
        # The log has it before the ends of the sessions: their rooms are known still.
        for event in devices.revocations(network, self._reason, now, note):
            self._hub.append_surely(self._hub.stamp(event))
        for connection in list(self._hub.connections.values()):
            self.judge(connection)

    def judge(self, connection: IConnection) -> None:
        """End one session if it would not get in now."""
        certificate = connection.machine.session.peer.certificate
        reason = self._reason(certificate)
        if reason is not None:
            self._end(connection, devices.revoked_words(reason))
        elif certificate.issuer and not self._lists().has_issuer(certificate.issuer):
            self._end(connection, _NO_LIST)

    def _reason(self, certificate: Certificate) -> str | None:
        """Return in words why a certificate is revoked, ``None`` where it is not."""
        if not certificate.serial:
            return None
        reason = self._lists().reason(certificate.issuer, int(certificate.serial, 16))
        return None if reason is None else in_words(reason)

    def end_expired(self) -> None:
        """End the sessions whose certificate has ended."""
        now = self._hub.now()
        for connection in list(self._hub.connections.values()):
            end = connection.machine.session.peer.expires
            if 0 < end <= now:
                self._end(
                    connection,
                    f"Your certificate ended on {_moment(end)}: connect again with the renewed"
                    " one, or renew it first (securechat renew)",
                )

    def warn_all(self) -> None:
        """Warn the clients whose certificate ends soon, once at each of `WARNINGS`."""
        self._warned = {
            session: days
            for session, days in self._warned.items()
            if session in self._hub.connections
        }
        for connection in list(self._hub.connections.values()):
            self.warn(connection)

    def warn(self, connection: IConnection) -> None:
        """Warn one client, if it is registered and it is time."""
        session, now = connection.machine.session, self._hub.now()
        days = warning(session.peer, now)
        if (
            days is None
            or session.phase is not Phase.REGISTERED
            or days >= self._warned.get(session.id, days + 1)
        ):
            return
        self._warned[session.id] = days
        left = _in_words(session.peer.expires - now)
        text = (
            f"Your certificate ends on {_moment(session.peer.expires)}, in {left}:"
            " renew it with securechat renew (securechat connect does it by itself)"
        )
        notice = Message("NOTICE", (connection.machine.nick, text), self._hub.settings.server)
        connection.write(serialize_limited(notice))

    def _end(self, connection: IConnection, reason: str) -> None:
        peer = connection.machine.session.peer
        if connection.machine.session.phase is not Phase.CLOSED:
            _log.info(
                "Ended a session of {account}/{device} at {host}: {reason}",
                account=peer.account,
                device=peer.device,
                host=peer.host,
                reason=reason,
            )
            connection.machine.close(reason, at_once=True)


def warning(peer: Peer, now: Timestamp) -> int | None:
    """Return which of `WARNINGS` is due for the certificate of ``peer``, if any.

    A certificate renews itself when two thirds of its life are over: only who is a day
    late with that is warned.
    """
    overdue = peer.begins + (peer.expires - peer.begins) * 2 // 3 + _DAY
    if not peer.expires or now < overdue or now >= peer.expires:
        return None
    return min((days for days in WARNINGS if peer.expires - now <= days * _DAY), default=None)


def _in_words(milliseconds: int) -> str:
    days, rest = divmod(milliseconds, _DAY)
    count, unit = (days, "day") if days else (rest // 3_600_000, "hour")
    return f"{count} {unit}{'' if count == 1 else 's'}"


def _moment(time: Timestamp) -> str:
    return f"{datetime.fromtimestamp(time / 1000, UTC):%Y-%m-%d %H:%M} UTC"
