"""DEVICES: see the devices of one's account, bring one more in, remove one that is lost.

Ours: no specification has it.  Programs use CLIENTCERT (`chat.features.client_cert`).
"""

from __future__ import annotations

from collections.abc import Collection

from chat.features import invitation, time
from chat.features.feature import Audit, Effects, Feature, Lines, Request, Viewer
from chat.irc.message import Message, first_word
from chat.irc.numerics import ERR_NEEDMOREPARAMS, RPL_ENDOFINFO, RPL_INFO
from chat.irc.standard_replies import StandardReply, fail
from chat.network import devices
from chat.network.certificate import Certificate
from chat.network.devices import Device
from chat.network.events import DeviceRemoved, DevicesForgotten
from chat.network.policy import RefusedError, must_be_operator

feature = Feature()

#: The word without which one's last device is not removed.
_CONFIRM = "CONFIRM"
#: For how long a code is good, where nobody says it: the other device is at hand.
_EXPIRY = "15m"


@feature.command("DEVICES", cost=2)
def devices_(request: Request) -> Effects:
    """DEVICES [account]: see the devices of your account (for operators, of any).

    DEVICES INVITE name [expiry]: make a code that brings one more device in, for 15m.
    DEVICES REMOVE name [CONFIRM]: end the sessions of a device, and let it in no more.
    """
    word = request.param(0).upper()
    if word in ("INVITE", "REMOVE") and not request.param(1):
        yield ERR_NEEDMOREPARAMS("DEVICES")
        return
    if word == "INVITE":
        yield from _invite(request, request.params[1], request.param(2) or _EXPIRY)
        return
    if word == "REMOVE":
        yield from _remove(request, request.params[1], request.param(2))
        return
    own = request.client.account
    account = request.param(0) or own
    if account is None:
        raise _login_required()
    is_own = own is not None and request.network.fold(account) == request.network.fold(own)
    if not is_own:
        must_be_operator(request.client)
    # An operator may want to ban one, which takes the whole of it.
    digits = devices.SHORT if is_own else None
    for device in devices.of_account(request.network, account):
        yield RPL_INFO(_describe(request, account, device, digits))
    yield RPL_ENDOFINFO.because(text=f"End of the devices of {account}")


def _describe(request: Request, account: str, device: Device, digits: int | None) -> str:
    found = devices.sessions(request.network, account, device.fingerprints)
    count = sum(map(len, found.values()))
    if count:
        presence = "connected" if count == 1 else f"connected {count} times"
    else:
        presence = f"last seen {time.utc(device.last_seen)}"
    this = " (this device)" if request.session.peer.fingerprint in device.fingerprints else ""
    end = device.latest.expires
    word = "expires" if end > request.now else "expired"
    fingerprint = device.latest.fingerprint[:digits]
    return (
        f"{device.name}{this}: {presence}, certificate {fingerprint} {word} {time.utc(end)},"
        f" first seen {time.utc(device.first_seen)}"
    )


def _invite(request: Request, device: str, expiry: str) -> Effects:
    account = request.client.account
    if account is None:
        raise _login_required()
    yield from invitation.invite(
        request, "DEVICES", account, device, expiry, longest=invitation.DAY
    )


def _remove(request: Request, word: str, confirmation: str) -> Effects:
    account = request.client.account
    if account is None:
        raise _login_required()
    device = _find(request, account, word)
    if device is None:
        shown = first_word(word)
        text = "Your account has no such device: DEVICES lists them"
        raise RefusedError(fail("DEVICES", "NO_SUCH_DEVICE", shown, text=text))
    certificates = tuple(known.certificate for known in device.certificates)
    if is_last(request, account, certificates) and confirmation.upper() != _CONFIRM:
        text = (
            "It is your last device, and nobody could log in any more until you are given a new"
            f" certificate. If you want that: DEVICES REMOVE {device.name} {_CONFIRM}"
        )
        raise RefusedError(fail("DEVICES", "LAST_DEVICE", device.name, text=text))
    yield from remove(request, account, device.name, certificates)


def _find(request: Request, account: str, word: str) -> Device | None:
    """Return the device of that name, or else that has a certificate beginning with ``word``."""
    fold, found = request.network.fold, devices.of_account(request.network, account)
    for device in found:
        if fold(device.name) == fold(word):
            return device
    if len(word) >= devices.SHORT:
        for device in found:
            if any(each.startswith(word.lower()) for each in device.fingerprints):
                return device
    return None


def is_last(request: Request, account: str, certificates: Collection[Certificate]) -> bool:
    """Return whether these certificates are all of the account's that have not expired."""
    valid = {
        known.certificate.fingerprint
        for device in devices.of_account(request.network, account)
        for known in device.certificates
        if known.certificate.expires > request.now
    }
    return bool(valid) and valid <= {certificate.fingerprint for certificate in certificates}


def remove(
    request: Request,
    account: str,
    device: str,
    certificates: tuple[Certificate, ...],
    answer: tuple[str, ...] = (),
) -> Effects:
    """Refuse these certificates of a device of the asker's own; CLIENTCERT gives its answer."""
    here = devices.name_of(request.network, account, request.session.peer.certificate)
    by = f"{request.client.nick} on {here}" if here else request.client.nick
    yield Audit(f"removed the device {device} of {account}")
    yield DeviceRemoved(request.client.actor, account, device, certificates, by, answer)


def forget(request: Request, account: str) -> Effects:
    """Forget of an account that logs in what no longer needs to be known of its devices."""
    gone = devices.superfluous(
        request.network,
        account,
        request.session.peer.certificate,
        request.now,
        request.settings.limits.devices,
    )
    if gone:
        yield DevicesForgotten(account, gone)


def _login_required() -> RefusedError:
    return RefusedError(fail("DEVICES", "ACCOUNT_REQUIRED", text="Log in to an account first"))


@feature.renders(DeviceRemoved)
def show_removed(viewer: Viewer, event: DeviceRemoved) -> Lines:
    """Answer who asked for it."""
    if event.request:
        yield Message("CLIENTCERT", event.request)
        return
    text = f"{event.device} is removed: its sessions are closed, and it is not let in again"
    note = StandardReply("NOTE", "DEVICES", "DEVICE_REMOVED", (event.device,), text)
    yield note.message(viewer.settings.server)
