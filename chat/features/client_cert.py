"""CLIENTCERT: the certificates of one's account, for programs.

Certificates come from the network's authority alone, so none is made here.
Sources: soju.im/client-cert (doc/ext/client-cert.md of soju),
https://github.com/ircv3/ircv3-specifications/pull/584
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

from chat.features import devices, server_time
from chat.features.feature import Effects, Feature, Request
from chat.irc.message import Message, first_word
from chat.irc.standard_replies import fail
from chat.network import devices as known_devices
from chat.network.devices import Device
from chat.network.policy import RefusedError
from chat.network.records import KnownCertificate

CAPABILITY = "soju.im/client-cert"

feature = Feature()
feature.capability(
    CAPABILITY, "https://codeberg.org/emersion/soju/src/branch/master/doc/ext/client-cert.md"
)

#: The reference of the batch: there is one at a time.
_BATCH = "client-cert"


@feature.command("CLIENTCERT", parameters=1, cost=2)
def clientcert(request: Request) -> Effects:
    """CLIENTCERT LIST | DELETE [fingerprint]: DEVICES for programs."""
    match request.params[0].upper():
        case "LIST":
            yield from _list(request, _account(request, "LIST"))
        case "DELETE":
            yield from _delete(request, _account(request, "DELETE"))
        case "CREATE":
            text = "Certificates come from this network's authority alone: ask who runs it for one"
            raise _refused("CREATE", text)
        case other:
            shown = first_word(other)
            text = "Unknown subcommand"
            raise RefusedError(fail("CLIENTCERT", "UNKNOWN_COMMAND", shown, text=text))


def _account(request: Request, subcommand: str) -> str:
    account = request.client.account
    if account is None:
        raise _refused(subcommand, "Log in to an account first")
    return account


def _list(request: Request, account: str) -> Effects:
    batched = "batch" in request.session.capabilities
    tags = {"batch": _BATCH} if batched else {}
    if batched:
        yield Message("BATCH", (f"+{_BATCH}", CAPABILITY))
    for device, known in _valid(request, account):
        words = (known.certificate.sha512.upper(), *_attributes(device, known))
        yield Message("CLIENTCERT", ("LIST", *words), request.settings.server, tags)
    if batched:
        yield Message("BATCH", (f"-{_BATCH}",))


def _valid(request: Request, account: str) -> Iterator[tuple[Device, KnownCertificate]]:
    """Yield the certificates that let somebody in, each with its device."""
    for device in known_devices.of_account(request.network, account):
        for known in device.certificates:
            if known.certificate.expires > request.now:
                yield device, known


def _attributes(device: Device, known: KnownCertificate) -> Iterator[str]:
    """Yield the keys; none of the values needs the escapes of a tag's."""
    yield f"name={device.name}"
    yield f"time={server_time.iso8601(known.last_login)}"
    if _is_address(known.host):
        yield f"ip={known.host}"
    # Not in the text, which leaves expiry open; unknown keys are ignored.
    yield f"expires={server_time.iso8601(known.certificate.expires)}"


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _delete(request: Request, account: str) -> Effects:
    # "Otherwise, only the pinned certificate that has the fingerprint of the TLS client
    # certificate of the current IRC connection is deleted."
    wanted = request.param(1) or request.session.peer.sha512
    for device, known in _valid(request, account):
        if known.certificate.sha512.casefold() == wanted.casefold():
            certificates = (known.certificate,)
            if devices.is_last(request, account, certificates):
                text = f"It is your last device: DEVICES REMOVE {device.name} tells more"
                raise _refused("DELETE", text)
            words = (request.params[1],) if request.param(1) else ()
            yield from devices.remove(
                request, account, device.name, certificates, ("DELETE", *words)
            )
            return
    raise _refused("DELETE", "Your account has no such certificate: CLIENTCERT LIST shows them")


def _refused(subcommand: str, text: str) -> RefusedError:
    return RefusedError(fail("CLIENTCERT", "INTERNAL_ERROR", subcommand, text=text))
