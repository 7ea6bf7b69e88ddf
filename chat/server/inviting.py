"""Invitations that are asked for in a session, in place of ``securechat invite``."""

from __future__ import annotations

import time
from collections.abc import Callable

from attrs import frozen
from twisted.internet.threads import deferToThread
from twisted.logger import Logger

from chat.features.feature import MakeInvitation
from chat.network.ids import Timestamp
from chat.network.records import InvitationCode, Invited, NotInvited
from chat.pki.errors import PkiError
from chat.pki.files import read_certificates
from chat.pki.invitation import Invitation, new_invitation, public_part
from chat.pki.layout import Layout
from chat.server.authority import IssuingAuthority, LockedError
from chat.server.config import Config
from chat.server.reach import public_address
from chat.store.interfaces import IInvitations

_log = Logger()


@frozen
class Inviting:
    """Makes codes, where this server makes certificates (``enrols``)."""

    config: Callable[[], Config]
    enrols: Callable[[], bool]
    issuing: IssuingAuthority
    invitations: IInvitations

    async def make(self, query: MakeInvitation) -> InvitationCode | NotInvited:
        """Return the code, which is kept nowhere; `UnavailableError` as the store has it."""
        if not self.enrols():
            return NotInvited.CANNOT_SIGN
        try:
            # A code that leads to nothing would be found out on the other device only.
            await self.issuing.open()
            invitation = await deferToThread(self._new, query.account)
        except LockedError:
            return NotInvited.CANNOT_SIGN
        except (PkiError, OSError) as error:
            _log.error("No invitation can be made: {why}", why=error)
            return NotInvited.CANNOT_SIGN
        created = time.time_ns() // 1_000_000
        invited = Invited(
            public_part(invitation.key()),
            query.account,
            query.device,
            "user",
            Timestamp(created),
            Timestamp(created + 1000 * query.seconds),
        )
        if not await self.invitations.add_within(query.limit, invited):
            return NotInvited.TOO_MANY
        return InvitationCode(invitation.code, invited.expires)

    def _new(self, account: str) -> Invitation:
        config = self.config()
        layout = Layout(config.path(config.authority.directory))
        (root,) = read_certificates(layout.root_certificate)
        return new_invitation(account, public_address(config)[0], root)
