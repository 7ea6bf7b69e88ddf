"""INVITATION: bring a person in, or a device; and what DEVICES INVITE shares with it.

Ours: no specification has it.  The code goes to the session that asked, and nowhere
else: who has it is the account that it names.
"""

from __future__ import annotations

from chat.features import time
from chat.features.feature import Audit, Effects, Feature, MakeInvitation, Request
from chat.irc.durations import parse_duration
from chat.irc.names import is_account_name
from chat.irc.standard_replies import StandardReply, fail
from chat.network.policy import RefusedError
from chat.network.records import InvitationCode, NotInvited

feature = Feature()

DAY = 86_400
#: What the name of a device has at the most: the certificate's limit.
_DEVICE_LENGTH = 64


@feature.command("INVITATION", parameters=1, privileged=True, appends=False, cost=2)
def invitation(request: Request) -> Effects:
    """INVITATION account [device] [expiry]: make a code that brings a device of an account in.

    The account is made with it, if it is not there; "laptop" and 1d are the defaults.
    """
    account = request.params[0]
    if not is_account_name(account, request.settings.limits.nick_length):
        text = "An account's name is a letter, then letters, digits, _ or -"
        raise RefusedError(fail("INVITATION", "INVALID_ACCOUNT", _word(account), text=text))
    words = (request.param(1) or "laptop", request.param(2) or "1d")
    yield from invite(request, "INVITATION", account, *words, longest=7 * DAY)


def invite(
    request: Request, command: str, account: str, device: str, expiry: str, *, longest: int
) -> Effects:
    """Answer ``command`` with a new code for a device, good for at most ``longest`` seconds."""
    if not is_account_name(device, _DEVICE_LENGTH):
        text = f"A device's name is a letter, then letters, digits, _ or -, up to {_DEVICE_LENGTH}"
        raise RefusedError(fail(command, "INVALID_DEVICE", _word(device), text=text))
    seconds = parse_duration(expiry)
    if not seconds or seconds > longest:
        text = f"Write a time like 15m or 12h, of {longest // DAY}d at the most"
        raise RefusedError(fail(command, "INVALID_EXPIRY", _word(expiry), text=text))
    limit = request.settings.limits.invitations
    made = yield MakeInvitation(account, device, seconds, limit)
    match made:
        case InvitationCode(code, expires):
            until = time.utc(expires)
            yield Audit(f"invited the device {device} of {account}, until {until}")
            text = (
                f"Good until {until}, once: on the new device run securechat join and type the"
                f" code. Who has it is {account}"
            )
            note = StandardReply("NOTE", command, "INVITED", (device, code), text)
            yield note.message(request.settings.server)
        case NotInvited.TOO_MANY:
            text = (
                f"{limit} invitations of {account} are open: use one, or wait until it expires"
                " (who runs the server can withdraw it: securechat invitations)"
            )
            raise RefusedError(fail(command, "TOO_MANY_INVITATIONS", account, text=text))
        case NotInvited.CANNOT_SIGN:
            text = (
                "This server cannot sign certificates: ask who runs it for one"
                " (securechat cert issue)"
            )
            raise RefusedError(fail(command, "CANNOT_SIGN", device, text=text))


def _word(text: str) -> str:
    """Return the first word of what was given, as a parameter that may be repeated."""
    words = text.lstrip(":").split()
    return words[0] if words else "*"
