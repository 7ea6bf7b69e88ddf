"""LUSERS: how many are here.

Source: Modern IRC, "LUSERS message".
"""

from __future__ import annotations

from chat.features.feature import Effects, Feature, Lines, Request
from chat.irc.numerics import (
    RPL_GLOBALUSERS,
    RPL_LOCALUSERS,
    RPL_LUSERCHANNELS,
    RPL_LUSERCLIENT,
    RPL_LUSERME,
    RPL_LUSEROP,
    RPL_LUSERUNKNOWN,
)
from chat.network import modes
from chat.network.state import Network

feature = Feature()


@feature.command("LUSERS", appends=False)
def lusers(request: Request) -> Effects:
    """LUSERS: count the people, operators and channels."""
    yield from counts(request.network)


def counts(network: Network) -> Lines:
    """Return the replies, which also belong to the welcome."""
    count, invisible = len(network.clients), network.user_modes[modes.USER_INVISIBLE]
    here, most = str(count), str(network.most_clients)
    yield RPL_LUSERCLIENT(visible=count - invisible, invisible=invisible)
    yield RPL_LUSEROP(str(network.user_modes[modes.USER_OPERATOR]))
    yield RPL_LUSERUNKNOWN(str(len(network.unregistered)))
    yield RPL_LUSERCHANNELS(str(len(network.channels)))
    yield RPL_LUSERME(clients=here)
    yield RPL_LOCALUSERS(here, most, clients=here, most=most)
    yield RPL_GLOBALUSERS(here, most, clients=here, most=most)
