"""E2E: the directory of end-to-end encryption, and what devices send to each other through it.

A device's name is from its certificate, and never from what it says.  Payloads are
opaque here: the clients verify them.  Ours: docs/extensions.md.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping

from attrs import evolve

from chat.features import e2e_payloads as payloads
from chat.features.client_tags import is_denied
from chat.features.e2e_keys import parse_keys
from chat.features.e2e_payloads import refused
from chat.features.e2e_queries import (
    Acknowledge,
    AddKeys,
    ClaimKey,
    CountKeys,
    Publish,
    ReadBundles,
    ReadPayloads,
    ReadRevocations,
    SendPayload,
)
from chat.features.feature import Effects, Feature, Lines, Request, Update, Viewer
from chat.features.playback import batch
from chat.irc.message import Message
from chat.irc.names import looks_like_channel
from chat.network import devices
from chat.network.changes import BundlesChanged
from chat.network.directory import (
    Bundle,
    Claim,
    DeviceName,
    NotClaimed,
    QueueLimits,
    Sending,
    Waiting,
)
from chat.network.errors import UnavailableError
from chat.network.events import BundlePublished, KeysRanLow, PayloadQueued
from chat.network.ids import Timestamp
from chat.network.policy import RefusedError
from chat.network.session import Session
from chat.network.settings import Settings

CAPABILITY = "securechat/e2e"
#: The tag of an encrypted message in a room or conversation.
MESSAGE_TAG = "+securechat/e2e"
#: What a session's machine gives by itself when something may wait for its device.
FETCH = Message("E2E", ("FETCH",))

#: One-time keys below which a device is told to bring more.
_LOW = 20
#: Bytes of the word by which a sender knows a payload.
_ID = 64
#: The largest position that a database holds.
_LAST = 2**63 - 1
_DAY = 86_400_000
#: The reference of the batch: there is one at a time.
_BATCH = "e2e"


def is_offered(settings: Settings) -> bool:
    """Return whether the tags that it needs get through."""
    denied = settings.denied_client_tags
    return not any(is_denied(tag[1:], denied) for tag in (MESSAGE_TAG, payloads.TAG))


feature = Feature()
feature.capability(
    CAPABILITY,
    "docs/extensions.md",
    lambda settings, session: "" if is_offered(settings) else None,
)


def _cost(message: Message) -> float:
    """Return what a line takes from the flood allowance: a room's key goes to each device."""
    if message is FETCH:
        return 0
    return _COSTS.get(message.params[0].upper() if message.params else "", 1)


@feature.command("E2E", parameters=1, cost=_cost)
def e2e(request: Request) -> Effects:
    """E2E subcommand [...]: exchange encryption keys with other devices (programs do it).

    PUBLISH part; OTK part; QUERY account-or-channel; CLAIM account/device;
    SEND account/device id part; ACK position; FETCH; REVOCATIONS.
    """
    session, subcommand = request.session, request.params[0].upper()
    handler = _SUBCOMMANDS.get(subcommand)
    if handler is None or len(request.params) != _PARAMETERS[subcommand]:
        shown = subcommand if handler is not None else request.params[0]
        raise refused("INVALID", shown, text="HELP E2E tells how it is used")
    if request.message is not FETCH and CAPABILITY not in session.capabilities:
        raise refused("INVALID", subcommand, text=f"Negotiate {CAPABILITY} first")
    try:
        device = own_device(request)
    except RefusedError:
        if request.message is FETCH:
            return  # it did not ask
        raise
    context = (subcommand, *request.params[1 : _CONTEXT.get(subcommand, 1)])
    try:
        yield from handler(request, device)
    except UnavailableError:
        text = "The server's database does not answer: try again later"
        raise refused("INTERNAL_ERROR", *context, text=text) from None


def own_device(request: Request) -> DeviceName:
    """Return the device of the session, which its certificate names; refuse who has none."""
    peer, network = request.session.peer, request.network
    device = DeviceName(peer.account or "", peer.device or "")
    account = request.client.account
    if not device.is_valid or not peer.fingerprint:
        text = "Your certificate names no device"
    elif account is None or network.fold(account) != network.fold(device.account):
        text = "Your certificate is of another account than you are logged in to"
    else:
        return device
    raise refused("NO_DEVICE", request.params[0].upper(), text=text)


# Bundles and keys


def _publish(request: Request, device: DeviceName) -> Effects:
    data = yield from _payload(request, "PUBLISH")
    if data is None:
        return
    peer = request.session.peer
    bundle = Bundle(device, data, peer.fingerprint, peer.expires)
    gone = devices.gone(request.network, device.account)
    is_other: bool = yield Publish(bundle, gone, request.now)
    yield Message("E2E", ("PUBLISHED",))
    if is_other:
        yield BundlePublished(device.account)


def _otk(request: Request, device: DeviceName) -> Effects:
    data = yield from _payload(request, "OTK")
    if data is None:
        return
    limit = request.settings.limits.e2e_keys
    left: int | None = yield AddKeys(
        device,
        parse_keys(data),
        limit,
        devices.gone(request.network, device.account),
        request.now,
    )
    if left is None:
        raise refused("UNKNOWN_DEVICE", "OTK", str(device), text="Publish a bundle first")
    yield _left(left)


def _query(request: Request, device: DeviceName) -> Effects:
    target, network = request.params[1], request.network
    if not target or " " in target or target[0] == ":":
        raise refused("UNKNOWN_TARGET", "QUERY", target, text="Wanted an account or a channel")
    accounts = [target]
    if looks_like_channel(target):
        channel = network.channel(target)
        if channel is None or request.client not in channel.members:
            text = "You are not on that channel"
            raise refused("UNKNOWN_TARGET", "QUERY", target, text=text)
        accounts = [member.account for member in channel.members if member.account is not None]
    found: list[Bundle] = yield ReadBundles(tuple(accounts), devices.gone(network, *accounts))
    if sum(len(bundle.data) for bundle in found) > request.settings.limits.sendq // 4:
        text = "These are too many bundles at once: ask for one account after the other"
        raise refused("TOO_LARGE", "QUERY", target, text=text)
    lines = (
        line
        for bundle in found
        for line in payloads.lines("E2E", ("BUNDLE", str(bundle.device)), bundle.data)
    )
    yield from batch(request, _BATCH, (CAPABILITY, target), lines, {})


def _revocations(request: Request, device: DeviceName) -> Effects:
    data: bytes = yield ReadRevocations()
    if len(data) > request.settings.limits.sendq // 4:
        raise refused("TOO_LARGE", "REVOCATIONS", text="The revocation lists are too long for this")
    yield from payloads.lines("E2E", ("REVOCATIONS",), data)


def _claim(request: Request, device: DeviceName) -> Effects:
    wanted = _device(request, "CLAIM")
    limits, gone = request.settings.limits, devices.gone(request.network, wanted.account)
    claimed: Claim | NotClaimed = yield ClaimKey(
        device, wanted, limits.e2e_claims, limits.e2e_claims_of_device, gone, request.now
    )
    if claimed is NotClaimed.RATE_LIMITED:
        text = (
            f"You may claim {limits.e2e_claims} keys a minute,"
            f" {limits.e2e_claims_of_device} of one device"
        )
        raise refused("RATE_LIMITED", "CLAIM", str(wanted), text=text)
    if not isinstance(claimed, Claim):
        raise _unknown("CLAIM", str(wanted))
    if claimed.key is None:
        text = "That device has no keys left"
        raise refused("NO_KEYS", "CLAIM", str(claimed.device), text=text)
    yield from payloads.lines("E2E", ("KEY", str(claimed.device)), claimed.key)
    if claimed.left == _LOW - 1:
        yield KeysRanLow(wanted.account, wanted.device, claimed.left)


# Payloads for one device


def _send(request: Request, device: DeviceName) -> Effects:
    receiver, id_ = _device(request, "SEND"), request.params[2]
    if not id_ or len(id_.encode()) > _ID or " " in id_ or id_[0] == ":":
        text = f"An id is a word of up to {_ID} bytes"
        raise refused("INVALID", "SEND", str(receiver), id_, text=text)
    folded = receiver.folded()
    data = yield from _payload(request, "SEND", str(folded), id_)
    if data is None:
        return
    limits = request.settings.limits
    sent: Sending = yield SendPayload(
        receiver,
        device,
        id_,
        data,
        devices.gone(request.network, receiver.account),
        QueueLimits(limits.e2e_queue, limits.e2e_queue_of_sender, _since(request)),
        request.now,
    )
    match sent:
        case Sending.SENT:
            yield Message("E2E", ("SENT", id_))
            yield PayloadQueued(folded.account, folded.device)
        case Sending.UNKNOWN_DEVICE:
            raise _unknown("SEND", str(receiver), id_)
        case Sending.QUEUE_FULL:
            text = "Too much waits for that device: try again when it was here"
            raise refused("QUEUE_FULL", "SEND", str(receiver), id_, text=text)
        case Sending.ID_IN_USE:
            text = "You gave this id to another payload, which waits still"
            raise refused("INVALID", "SEND", str(receiver), id_, text=text)


def _ack(request: Request, device: DeviceName) -> Effects:
    word = request.params[1]
    if not word.isascii() or not word.isdigit() or len(word) > 19 or int(word) > _LAST:
        raise refused("INVALID", "ACK", word, text="A position is a whole number")
    position = int(word)
    yield Acknowledge(device, position)
    inbox = request.session.inbox
    left = tuple(each for each in inbox.unacknowledged if each[0] > position)
    session = evolve(request.session, inbox=evolve(inbox, unacknowledged=left))
    yield Update(session)
    # There is room for more now.
    yield from _deliver(request, session, device)


def _fetch(request: Request, device: DeviceName) -> Effects:
    session = request.session
    if not session.inbox.is_told:
        left: int = yield CountKeys(device, devices.gone(request.network, device.account))
        session = evolve(session, inbox=evolve(session.inbox, is_told=True))
        yield Update(session)
        yield _left(left)
    yield from _deliver(request, session, device)


def _deliver(request: Request, session: Session, device: DeviceName) -> Effects:
    """Send what waits, in order, as long as the client acknowledges what it was sent before."""
    room = request.settings.limits.sendq // 4
    inbox, is_end = session.inbox, False
    gone = devices.gone(request.network, device.account)
    while not is_end and (not inbox.unacknowledged or inbox.size < room):
        found: Waiting = yield ReadPayloads(
            device, gone, inbox.last, _since(request), room - inbox.size
        )
        is_end = found.is_end
        for payload in found.payloads:
            params = ("DELIVER", str(payload.sender), str(payload.position))
            yield from payloads.lines("E2E", params, payload.data, payload.sender.account)
            inbox = evolve(
                inbox,
                last=payload.position,
                unacknowledged=(*inbox.unacknowledged, (payload.position, len(payload.data))),
            )
        # At once: what was shown is not to be shown again if the next page is not to be had.
        session = evolve(session, inbox=inbox)
        yield Update(session)


# What the subcommands share


def _payload(request: Request, *place: str) -> Generator[Update, None, bytes | None]:
    """Take one more part; return the payload when it is complete, and else ``None``."""
    session = request.session
    limit = request.settings.limits.e2e_payload
    try:
        session, data = payloads.take(session, request.message, place, limit)
    except RefusedError:
        yield Update(payloads.forget(request.session, place))
        raise
    yield Update(session)
    return data


def _device(request: Request, subcommand: str) -> DeviceName:
    try:
        return DeviceName.parse(request.params[1])
    except ValueError:
        raise _unknown(*request.params[: _CONTEXT[subcommand]]) from None


def _unknown(*context: str) -> RefusedError:
    text = "There is no such device, or it has published no bundle"
    return refused("UNKNOWN_DEVICE", *context, text=text)


def _since(request: Request) -> Timestamp:
    return Timestamp(request.now - request.settings.limits.e2e_queue_days * _DAY)


def _left(count: int) -> Message:
    return Message("E2E", ("OTK", str(count)))


_SUBCOMMANDS: Mapping[str, Callable[[Request, DeviceName], Effects]] = {
    "PUBLISH": _publish,
    "OTK": _otk,
    "QUERY": _query,
    "CLAIM": _claim,
    "SEND": _send,
    "ACK": _ack,
    "FETCH": _fetch,
    "REVOCATIONS": _revocations,
}
#: How many parameters each has, itself counted, and how many of them say what it is for.
_PARAMETERS = {
    "PUBLISH": 2,
    "OTK": 2,
    "QUERY": 2,
    "CLAIM": 2,
    "SEND": 4,
    "ACK": 2,
    "FETCH": 1,
    "REVOCATIONS": 1,
}
_CONTEXT = {"QUERY": 2, "CLAIM": 2, "SEND": 3, "ACK": 2}
#: What is not 1.
_COSTS = {"QUERY": 4, "REVOCATIONS": 4, "SEND": 0.2, "ACK": 0.2}


@feature.renders(BundlesChanged)
def show_changed(viewer: Viewer, fact: BundlesChanged) -> Lines:
    """Tell that an account's bundles are to be asked for again."""
    if viewer.has(CAPABILITY):
        yield Message("E2E", ("CHANGED", fact.account))


@feature.renders(KeysRanLow)
def show_low(viewer: Viewer, event: KeysRanLow) -> Lines:
    """Tell a device how many of its one-time keys are left."""
    if viewer.has(CAPABILITY):
        yield _left(event.left)
