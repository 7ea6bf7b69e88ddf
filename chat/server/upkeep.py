"""What the server does by itself for its certificates, once an hour, and what it cannot do.

It signs the revocation lists anew every day, and its own certificate when two thirds of
its life are over: `chat.server.watch` then takes them into use.  What comes near its end
all the same is an alarm.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from attrs import field, frozen
from twisted.internet.threads import deferToThread
from twisted.logger import Logger

from chat.network.ids import Timestamp
from chat.pki.authority import title
from chat.pki.errors import PkiError
from chat.pki.files import read_certificates, read_issuing
from chat.pki.layout import Layout
from chat.pki.lists import lists_are_due, renew_lists
from chat.pki.revocation import RevocationLists
from chat.pki.server_certificate import renew_server
from chat.server.authority import passphrase_of
from chat.server.config import Config
from chat.server.directory import Directory
from chat.store.interfaces import IInvitations, UnavailableError

_log = Logger()

#: The age at which a list is signed anew.
_LIST_DUE = timedelta(days=1)
#: The part of its life after which the server's certificate is renewed.
_SERVER_DUE = 2 / 3
#: How long before its end each is an alarm.
_SERVER_SOON, _ISSUING_SOON = timedelta(days=14), timedelta(days=60)
#: How often the log has the same alarm.
_AGAIN = timedelta(days=1)
#: How long an invitation is kept behind its end, for who asks what became of it.
_INVITATION_KEPT = timedelta(days=7)


@frozen
class Findings:
    """What was done, what could not be done, and what must be done before long."""

    done: list[str] = field(factory=list)
    problems: list[str] = field(factory=list)
    alarms: list[str] = field(factory=list)


def look_after(config: Config, now: datetime) -> Findings:
    """Renew what is due and can be renewed here; blocks for a second or two."""
    findings = Findings()
    for renew, done, problem in (
        (renew_lists_if_due, "The revocation lists were signed anew", "The revocation lists"),
        (renew_server_if_due, "The server's certificate was renewed", "The server's certificate"),
    ):
        try:
            if renew(config, now):
                findings.done.append(done)
        except (PkiError, OSError) as error:
            findings.problems.append(f"{problem} could not be signed anew: {error}")
    try:
        findings.alarms.extend(_alarms(config, now))
    except (PkiError, OSError) as error:
        findings.alarms.append(str(error))
    return findings


def renew_lists_if_due(config: Config, now: datetime) -> bool:
    """Sign the revocation lists anew when one is a day old; return whether it was done.

    Needs the issuing authority's key in ``[authority] directory``, and blocks for
    about a second where that has a passphrase.  Where the authority is somebody
    else's, whoever runs it brings the lists.  Raises `PkiError` or `OSError`.
    """
    if not config.authority.directory:
        return False
    layout = Layout(config.path(config.authority.directory))
    if not lists_are_due(layout, now, _LIST_DUE):
        return False
    renew_lists(layout, passphrase_of(config), now)
    return True


def renew_server_if_due(config: Config, now: datetime) -> bool:
    """Renew the server's certificate, for its key and names; return whether it was done.

    As `renew_lists_if_due`; a certificate from elsewhere is renewed where it comes from.
    """
    if not _is_own(config):
        return False
    layout = Layout(config.path(config.authority.directory))
    own, *_ = read_certificates(layout.server_certificate)
    issuing, *_ = read_certificates(layout.issuing_certificate)
    if own.not_valid_after_utc >= issuing.not_valid_after_utc:
        return False  # another one would end with its authority too
    life = own.not_valid_after_utc - own.not_valid_before_utc
    if now < own.not_valid_before_utc + life * _SERVER_DUE:
        return False
    renew_server(layout, read_issuing(layout, passphrase_of(config)), now)
    return True


def _is_own(config: Config) -> bool:
    """Return whether the built-in authority makes the server's certificate."""
    if not config.authority.directory:
        return False
    layout = Layout(config.path(config.authority.directory))
    return (
        config.path(config.tls.certificate) == layout.server_certificate
        and config.path(config.tls.key) == layout.server_key
    )


def _alarms(config: Config, now: datetime) -> Iterator[str]:
    path = config.path(config.tls.certificate)
    own, *_ = read_certificates(path)
    if own.not_valid_after_utc - now < _SERVER_SOON:
        remedy = "run securechat ca renew-server" if _is_own(config) else "bring its next one"
        yield f"{path} ends on {_moment(own.not_valid_after_utc)}: {remedy}"
    remedy = "bring its next one"
    if config.authority.directory:
        remedy = "run securechat cert renew-list"
        layout = Layout(config.path(config.authority.directory))
        issuing, *_ = read_certificates(layout.issuing_certificate)
        if issuing.not_valid_after_utc - now < _ISSUING_SOON:
            yield (
                f"{title(issuing.subject)} ends on {_moment(issuing.not_valid_after_utc)}:"
                " run securechat ca rotate-issuing"
            )
    path = config.path(config.tls.revocations)
    authorities = read_certificates(config.path(config.tls.authority))
    for each in RevocationLists.parse(path.read_bytes(), authorities).lists:
        # The list of an authority that is over keeps nobody out whom its end does not.
        if each.half_life_passed(now) and now < each.authority.not_valid_after_utc:
            yield (
                f"{path}: the list of {title(each.authority.subject)} ends on"
                f" {_moment(each.ends)}, and half of its time is over: {remedy}"
            )


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


class Upkeep:
    """Does it in a thread, and keeps what `alarms` there are."""

    def __init__(
        self, config: Callable[[], Config], invitations: IInvitations, directory: Directory
    ) -> None:
        self.alarms: tuple[str, ...] = ()
        self._directory = directory
        self._config = config
        self._invitations = invitations
        #: When the log had each alarm last.
        self._told: dict[str, datetime] = {}

    async def look(self) -> None:
        """Do what is due, and write to the log what is not as it should be."""
        now = datetime.now(UTC)
        findings: Findings = await deferToThread(look_after, self._config(), now)
        for text in findings.done:
            _log.info("{text}", text=text)
        self.alarms = (*findings.alarms, *findings.problems)
        self._told = {text: told for text, told in self._told.items() if text in self.alarms}
        for text in self.alarms:
            told = self._told.get(text)
            if told is None or now - told >= _AGAIN:
                self._told[text] = now
                tell = _log.error if text in findings.alarms else _log.warn
                tell("{text}", text=text)
        await self._prune(now)

    async def _prune(self, now: datetime) -> None:
        """Delete the invitations that ended long ago, and what no device came for."""
        before = int((now - _INVITATION_KEPT).timestamp() * 1000)
        try:
            await self._invitations.prune(Timestamp(before))
        except UnavailableError as error:
            _log.warn("Old invitations stay for now: {why}", why=error)
        days = timedelta(days=self._config().limits.e2e_queue_days)
        await self._directory.prune(Timestamp(int((now - days).timestamp() * 1000)))
        await self._directory.sweep(Timestamp(int(now.timestamp() * 1000)))
