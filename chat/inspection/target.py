"""Whom to inspect, whom to trust, and what to present: from the words of a command line."""

from __future__ import annotations

from attrs import evolve, frozen
from cryptography import x509

from chat.client.profile import (
    Address,
    Choice,
    Profile,
    ProfileError,
    choose,
    profiles_directory,
    read_device,
)
from chat.client.tls import PrivateKey
from chat.inspection.verdict import identity_of
from chat.pki.files import read_certificates

_SYSTEM = "the authorities of this system"


@frozen
class Target:
    """A server, and who we are to it; without ``authorities`` the system's are trusted."""

    host: str
    port: int
    #: The name to ask for, which the certificate has to be for.
    name: str
    authorities: tuple[x509.Certificate, ...] | None = None
    #: Where the authorities are from, for messages.
    trust: str = _SYSTEM
    certificates: tuple[x509.Certificate, ...] = ()
    key: PrivateKey | None = None


def choose_target(choice: Choice, name: str | None) -> Target:
    """Return what the options of ``securechat inspect`` mean.

    A directory is a profile; without one, what is not given is left to the system.
    Raises `ProfileError`, `PkiError` or `OSError`.
    """
    if choice.directory is not None:
        if choice.certificate is not None or choice.authority is not None:
            raise ProfileError("--dir and --cert or --ca exclude each other: give one of them")
        target = _of_profile(choose(choice, profiles_directory()))
    elif choice.host is None:
        raise ProfileError("there is no server: give HOST[:PORT], or a profile with --dir")
    else:
        address = Address.parse(choice.host)
        target = Target(address.host, address.port, address.host)
        if choice.authority is not None:
            trusted = tuple(read_certificates(choice.authority))
            target = evolve(target, authorities=trusted, trust=str(choice.authority))
        if choice.certificate is not None:
            own, key = read_device(choice.certificate)
            target = evolve(target, certificates=own, key=key)
    # RFC 6066, 3: the name that is asked for has no dot at its end.
    target = evolve(target, name=(name or target.name).removesuffix("."))
    try:
        identity_of(target.name)
    except ValueError as error:
        raise ProfileError(f"{target.name!r} is no host name: {error}") from error
    return target


def _of_profile(profile: Profile) -> Target:
    credentials = profile.credentials
    return Target(
        profile.address.host,
        profile.address.port,
        profile.server_name,
        credentials.authorities,
        credentials.authority_source,
        credentials.certificates,
        credentials.key,
    )
