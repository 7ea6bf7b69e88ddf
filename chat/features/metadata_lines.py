"""Metadata as lines, in both drafts of its specification.

draft/metadata-3 tells of values with numerics, draft/metadata-2 with METADATA
messages; they name some refusals otherwise.  Who negotiated both, or neither,
has the newer one.
Sources: https://ircv3.net/specs/extensions/metadata (draft/metadata-2),
https://github.com/ircv3/ircv3-specifications/pull/613 (draft/metadata-3)
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator

from attrs import evolve

from chat.features.feature import Lines
from chat.irc.message import Message
from chat.irc.numerics import (
    RPL_KEYNOTSET,
    RPL_KEYVALUE,
    RPL_METADATASYNCLATER,
    Numeric,
    Reply,
)
from chat.irc.standard_replies import StandardReply, fail
from chat.network.entities import Channel, Client
from chat.network.ids import SessionId
from chat.network.state import Network

DRAFT_2 = "draft/metadata-2"
DRAFT_3 = "draft/metadata-3"
#: All that a session sees, as the target of SYNC in draft/metadata-3.
ALL = "*ALL"

#: Who may see it: for us, everybody who sees the target.
_VISIBILITY = "*"
#: The reference of the batch: there is one at a time.
_BATCH = "metadata"
#: Keys of one line.
_KEYS = 10

#: One value: of whom, which key, and what.
Value = tuple[str, str, str]


def is_aware(capabilities: frozenset[str]) -> bool:
    """Return whether the session negotiated metadata, in either draft."""
    return DRAFT_2 in capabilities or DRAFT_3 in capabilities


def is_draft_2(capabilities: frozenset[str]) -> bool:
    """Return whether the session wants the older draft."""
    return DRAFT_2 in capabilities and DRAFT_3 not in capabilities


# Lines


def reply(target: str, key: str, value: str | None) -> Reply:
    """Return the answer that tells one key to the session that asked."""
    if value is None:
        return RPL_KEYNOTSET(target, key)
    return RPL_KEYVALUE(target, key, _VISIBILITY, value)


def notice(capabilities: frozenset[str], target: str, key: str, value: str | None) -> Message:
    """Return the line that tells one key unasked; it is the same for all who see it.

    So a numeric is to ``*``, and the source is the server, with which the longest
    value fits into the line.
    """
    if is_draft_2(capabilities):
        words = (target, key, _VISIBILITY)
        return Message("METADATA", words if value is None else (*words, value))
    told = reply(target, key, value)
    return Message(told.code, ("*", *told.words()))


def batch(
    capabilities: frozenset[str],
    lines: Iterable[Message | Reply],
    *target: str,
    kind: str = "metadata",
) -> Lines:
    """Yield ``lines`` as a batch, where the session knows batches."""
    if "batch" not in capabilities:
        yield from lines
        return
    yield Message("BATCH", (f"+{_BATCH}", kind, *target))
    for line in lines:
        yield evolve(line, tags={**line.tags, "batch": _BATCH})
    yield Message("BATCH", (f"-{_BATCH}",))


def later(capabilities: frozenset[str], target: str) -> Reply:
    """Return the answer that leaves it to the client to ask for the values with SYNC."""
    if is_draft_2(capabilities):
        return RPL_METADATASYNCLATER(target)
    text = f"Send METADATA {target} SYNC for what is set"
    return RPL_METADATASYNCLATER.because(target, "0", text=text)


def keys(numeric: Numeric, names: Iterable[str]) -> Iterator[Reply]:
    """Yield as many replies as the names need."""
    words = tuple(names)
    for start in range(0, len(words), _KEYS):
        yield numeric(*words[start : start + _KEYS])


# Refusals


def invalid_target(target: str) -> StandardReply:
    """Say that there is nobody, or no channel, that the session may know of."""
    return fail("METADATA", "INVALID_TARGET", target, text="Invalid metadata target")


def invalid_params(subcommand: str, text: str) -> StandardReply:
    """Say that the command is not well-formed."""
    return fail("METADATA", "INVALID_PARAMS", subcommand, text=text)


def invalid_subcommand(capabilities: frozenset[str], subcommand: str) -> StandardReply:
    """Say that there is no such subcommand."""
    code = "SUBCOMMAND_INVALID" if is_draft_2(capabilities) else "INVALID_PARAMS"
    return fail("METADATA", code, subcommand, text="There is no such subcommand")


def invalid_key(
    capabilities: frozenset[str], key: str, *, is_one_of_many: bool = False
) -> StandardReply:
    """Say that no key has such a name: a warning, where other keys are done all the same."""
    text = "A key is made of a-z, 0-9, _, ., / and -, and is not too long"
    if is_draft_2(capabilities):
        return fail("METADATA", "KEY_INVALID", key, text=text)
    refused = fail("METADATA", "INVALID_KEY", key, text=text)
    return evolve(refused, kind="WARN") if is_one_of_many else refused


def invalid_value(capabilities: frozenset[str], key: str, limit: int) -> StandardReply:
    """Say that the value is too long."""
    text = f"A value has at most {limit} bytes"
    if is_draft_2(capabilities):
        return fail("METADATA", "VALUE_INVALID", text=text)
    return fail("METADATA", "INVALID_VALUE", key, text=text)


def no_permission(target: str, key: str) -> StandardReply:
    """Say that only others may do it."""
    return fail("METADATA", "KEY_NO_PERMISSION", target, key, text="You may not do that there")


def not_set(target: str, key: str) -> StandardReply:
    """Say that there is nothing to remove, which only draft/metadata-2 minds."""
    return fail("METADATA", "KEY_NOT_SET", target, key, text="The key is not set")


def too_many_keys(capabilities: frozenset[str], target: str, limit: int) -> StandardReply:
    """Say that the target has as many keys as it may have."""
    text = f"At most {limit} keys can be set"
    if is_draft_2(capabilities):
        return fail("METADATA", "LIMIT_REACHED", target, text=text)
    return fail("METADATA", "LIMIT_REACHED", "SET", target, str(limit), text=text)


def too_many_subscriptions(capabilities: frozenset[str], key: str, limit: int) -> StandardReply:
    """Say that ``key`` is the first one that there was no room for."""
    text = f"You can subscribe to at most {limit} keys"
    if is_draft_2(capabilities):
        return fail("METADATA", "TOO_MANY_SUBS", key, text=text)
    return fail("METADATA", "LIMIT_REACHED", "SUB", key, str(limit), text=text)


# What a session sees


def seen_with(
    network: Network, session: SessionId, target: Client | Channel
) -> list[Client | Channel]:
    """Return the target and, of a channel, the members that the session sees on it."""
    if isinstance(target, Client):
        return [target]
    viewer = network.sessions.get(session)
    if viewer is None:
        return [target]
    return [target, *(member for member in target.members if target.shows(member, viewer))]


def seen(network: Network, session: SessionId) -> list[Client | Channel]:
    """Return all that it is told of: itself, its channels, whom it meets there or watches."""
    client = network.sessions[session]
    found: dict[Client | Channel, None] = {client: None}
    for channel in client.channels.values():
        found.update(dict.fromkeys(seen_with(network, session, channel)))
    for nick in network.watchers.names(session):
        watched = network.client(nick)
        if watched is not None:
            found[watched] = None
    return list(found)


def values(
    network: Network, targets: Iterable[Client | Channel], wanted: Container[str]
) -> list[Value]:
    """Return what the targets have set of the keys that are wanted."""
    return [
        (target.name if isinstance(target, Channel) else target.nick, key, value)
        for target in targets
        for key, value in network.metadata_of(target).items()
        if key in wanted
    ]
