"""From a message to its handler: one function makes the checks that all commands share."""

from __future__ import annotations

from chat.features.feature import Command, Effects, Request
from chat.irc.numerics import (
    ERR_NEEDMOREPARAMS,
    ERR_NOTREGISTERED,
    ERR_UNKNOWNCOMMAND,
    ERR_UNKNOWNERROR,
    Reply,
)
from chat.irc.standard_replies import StandardReply, fail
from chat.network.errors import UnavailableError
from chat.network.policy import RefusedError, must_be_operator
from chat.network.session import Phase


def dispatch(command: Command | None, request: Request) -> Effects:
    """Yield what the request leads to; a refusal becomes its reply here."""
    name, session = request.message.command, request.session
    if command is None or session.phase not in command.phases:
        registered = session.phase is Phase.REGISTERED
        yield ERR_UNKNOWNCOMMAND(name[:50]) if registered else ERR_NOTREGISTERED()
        return
    if len(request.params) < command.parameters or "" in request.params[: command.parameters]:
        yield ERR_NEEDMOREPARAMS(name)
        return
    try:
        if command.privileged:
            must_be_operator(request.client)
        yield from command.handler(request)
    except RefusedError as refusal:
        yield refusal.reply
    except UnavailableError:
        yield unavailable(name, session.capabilities, UNAVAILABLE)


#: What a person is told; the cause, which may name hosts and users, is for the log.
UNAVAILABLE = "The server's database does not answer: nothing was done, try again later"
UNCONFIRMED = "The server's database did not confirm this in time: try again later"


def unavailable(command: str, capabilities: frozenset[str], text: str) -> Reply | StandardReply:
    """Return the reply for a command whose database did not do its part."""
    if "standard-replies" in capabilities:
        return fail(command, "TEMPORARILY_UNAVAILABLE", text=text)
    return ERR_UNKNOWNERROR(command, text)
