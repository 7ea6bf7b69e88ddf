"""A profile: a directory that says which network to connect to, and as whom.

``profile.toml`` in it has the keys ``address``, ``server_name``, ``account``,
``certificate``, ``authority``, ``password_file`` and ``vault``; paths are relative to the
directory.  Without that file the directory's only ``*.pem`` and its ``ca.crt`` do.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from itertools import chain, count
from pathlib import Path

from attrs import evolve, field, frozen
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import NameOID

from chat.client.tls import Credentials, PrivateKey
from chat.pki.errors import PkiError
from chat.pki.files import read_certificates, read_private

DEFAULT_PORT = 6697
_KEYS = (
    *("address", "server_name", "account", "certificate", "authority", "password_file"),
    "vault",
)
#: What opens the keys of encryption.
_VAULTS = ("file", "passphrase")
_PRIVATE_KEY = re.compile(
    rb"-----BEGIN (?P<kind>[A-Z ]*PRIVATE KEY)-----.+?-----END (?P=kind)-----\s", re.DOTALL
)


class ProfileError(Exception):
    """A profile that cannot be used; the text names what is wrong, and what to do."""


@frozen
class Address:
    """Where a server listens: a name or an IP address, and a port."""

    host: str
    port: int = DEFAULT_PORT

    @classmethod
    def parse(cls, text: str) -> Address:
        """Return the address in ``host``, ``host:port``, ``[2001:db8::1]:port``."""
        bracketed = re.fullmatch(r"\[(?P<host>[^]]+)\](?::(?P<port>\d+))?", text)
        plain = re.fullmatch(r"(?P<host>[^:\s]+)(?::(?P<port>\d+))?", text)
        match = bracketed or plain
        if match is None and re.fullmatch(r"[0-9A-Fa-f:.]+", text):
            return cls(text)  # IPv6 without a port
        if match is None or not 0 < int(match["port"] or DEFAULT_PORT) < 65536:
            raise ProfileError(f"{text!r} is no address: write it as chat.example.org:6697")
        return cls(match["host"], int(match["port"] or DEFAULT_PORT))

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


@frozen
class Profile:
    """Which server, which name it must prove, who we are and with what."""

    address: Address
    server_name: str
    account: str
    credentials: Credentials
    password: str | None = field(default=None, repr=False)
    #: What opens the keys of encryption: "file" or "passphrase".
    vault: str = _VAULTS[0]


@frozen
class Network:
    """A profile among several, and what a person calls its network: no two have one name."""

    name: str
    profile: Profile


#: A network's name, and why its profile cannot be used.
Problem = tuple[str, ProfileError]


@frozen
class Choice:
    """What was said on the command line; ``None`` where nothing was.

    ``directory`` is a profile's directory, or a profile's name under `profiles`.
    """

    directory: str | None = None
    host: str | None = None
    certificate: Path | None = None
    authority: Path | None = None
    account: str | None = None
    password_file: Path | None = None


def choose(choice: Choice, profiles: Path) -> Profile:
    """Return the profile that ``choice`` means; ``profiles`` holds those with names.

    A host on the command line is also the name that the server has to prove.
    Raises `ProfileError`.
    """
    try:
        if choice.certificate is None and choice.authority is None:
            profile = _read(_directory(choice.directory, profiles))
        else:
            profile = _from_files(choice)
        if choice.host is not None:
            address = Address.parse(choice.host)
            profile = evolve(profile, address=address, server_name=address.host)
        if choice.account is not None:
            profile = evolve(profile, account=choice.account)
        if choice.password_file is not None:
            profile = evolve(profile, password=_first_line(choice.password_file))
    except PkiError as error:
        raise ProfileError(str(error)) from error
    except OSError as error:
        raise ProfileError(f"cannot read {error.filename}: {error.strerror}") from error
    if not profile.account:
        raise ProfileError("there is no account: give --account NAME")
    return profile


def choose_several(
    directories: Sequence[str], profiles: Path
) -> tuple[tuple[Network, ...], tuple[Problem, ...]]:
    """Return the networks of these profiles, and what is wrong with others of them.

    They are named as in `Choice`; without any all in ``profiles`` are meant, the
    default first.  Raises `ProfileError` where no network is left.
    """
    wanted = [_directory(each, profiles) for each in directories] or _found(profiles)
    networks: list[Network] = []
    problems: list[Problem] = []
    for name, directory in _named(wanted).items():
        try:
            networks.append(Network(name, choose(Choice(str(directory)), profiles)))
        except ProfileError as error:
            problems.append((name, error))
    if networks:
        return tuple(networks), tuple(problems)
    if problems:
        raise ProfileError("; ".join(str(error) for _, error in problems))
    raise _no_profile(profiles)


def has_profiles(profiles: Path) -> bool:
    """Return whether there is a profile with a name, be it one that cannot be read."""
    return any(path.is_dir() for path in profiles.glob("*"))


def profile_text(
    address: str, server_name: str, account: str, certificate: Path, authority: Path
) -> str:
    """Return the content of ``profile.toml``, beside whose directory the two files are."""
    values = {
        "address": address,
        "server_name": server_name,
        "account": account,
        "certificate": certificate.name,
        "authority": authority.name,
    }
    # What JSON writes of a printable text, TOML reads.
    lines = (f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in values.items())
    return "".join(lines)


def profiles_directory() -> Path:
    """Return where the user's profiles are, by name, on this platform."""
    from platformdirs import user_config_path

    return user_config_path("securechat", appauthor=False) / "profiles"


def _directory(wanted: str | None, profiles: Path) -> Path:
    if wanted is not None:
        for candidate in (Path(wanted), profiles / wanted):
            if candidate.is_dir():
                return candidate
        raise ProfileError(f"there is no profile {wanted}: neither a directory nor in {profiles}")
    found = _found(profiles)
    if not found:
        raise _no_profile(profiles)
    if len(found) > 1 and found[0] != _default(profiles):
        names = ", ".join(path.name for path in found)
        raise ProfileError(f"there are several profiles ({names}): give --dir NAME")
    return found[0]


def _found(profiles: Path) -> list[Path]:
    """Return the profiles with names in their order, the default first."""
    found = sorted(path for path in profiles.glob("*") if path.is_dir())
    default = _default(profiles)
    return found if default is None else [default, *(path for path in found if path != default)]


def _default(profiles: Path) -> Path | None:
    """Return the profile called ``default``, or the one that a file of this name names."""
    default = profiles / "default"
    if default.is_file():
        return _directory(default.read_text().strip(), profiles)
    return default if default.is_dir() else None


def _named(directories: Sequence[Path]) -> dict[str, Path]:
    """Return each directory once, under a name of its own."""
    named: dict[str, Path] = {}
    for directory in directories:
        if any(directory.samefile(other) for other in named.values()):
            continue
        name = directory.absolute().name or str(directory)
        others = (f"{name}-{number}" for number in count(2))
        named[next(each for each in chain((name,), others) if each not in named)] = directory
    return named


def _no_profile(profiles: Path) -> ProfileError:
    return ProfileError(
        f"there is no profile in {profiles}: join a network with securechat join, or give --dir,"
        " or --cert and --ca"
    )


def _read(directory: Path) -> Profile:
    path = directory / "profile.toml"
    if not path.exists():
        return _from_directory(directory)
    try:
        values = tomllib.loads(path.read_text())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ProfileError(f"{path}: {error}") from error
    for key, value in values.items():
        if key not in _KEYS:
            raise ProfileError(f"{path}: unknown key {key!r}: the keys are {', '.join(_KEYS)}")
        if not isinstance(value, str):
            raise ProfileError(f"{path}: {key} is {value!r}: it has to be a string")
    if values.get("vault", _VAULTS[0]) not in _VAULTS:
        raise ProfileError(f"{path}: vault is {values['vault']!r}: write {' or '.join(_VAULTS)}")
    return _from_values(directory, values)


def _from_values(directory: Path, values: Mapping[str, str]) -> Profile:
    address = Address.parse(values.get("address", f"localhost:{DEFAULT_PORT}"))
    certificate = directory / values["certificate"] if "certificate" in values else None
    credentials = load_credentials(certificate, directory / values.get("authority", "ca.crt"))
    return Profile(
        address,
        values.get("server_name", address.host),
        values.get("account", _account_of(credentials)),
        credentials,
        _first_line(directory / values["password_file"]) if "password_file" in values else None,
        values.get("vault", _VAULTS[0]),
    )


def _from_directory(directory: Path) -> Profile:
    found = sorted(directory.glob("*.pem"))
    if len(found) != 1 or not (directory / "ca.crt").exists():
        raise ProfileError(
            f"{directory} is no profile: it needs profile.toml, or one .pem file and ca.crt"
        )
    return _from_values(directory, {"certificate": found[0].name})


def _from_files(choice: Choice) -> Profile:
    if choice.directory is not None:
        raise ProfileError("--dir and --cert or --ca exclude each other: give the one or the other")
    beside = (choice.certificate or Path("ca.crt")).with_name("ca.crt")
    credentials = load_credentials(choice.certificate, choice.authority or beside)
    return Profile(Address("localhost"), "localhost", _account_of(credentials), credentials)


def load_credentials(certificate: Path | None, authority: Path) -> Credentials:
    """Read our certificate with its key, if any, and the authority's certificates.

    Raises `PkiError`, `ProfileError` or `OSError`; a key that others can read is refused.
    """
    authorities = tuple(read_certificates(authority))
    own, key = ((), None) if certificate is None else read_device(certificate)
    return Credentials(own, key, authorities, str(authority), certificate)


def read_device(certificate: Path) -> tuple[tuple[x509.Certificate, ...], PrivateKey]:
    """Read our certificate, its chain and its key from one file; raises as above."""
    content = read_private(certificate)
    block = _PRIVATE_KEY.search(content + b"\n")
    if block is None:
        raise ProfileError(f"{certificate} holds no private key: give the .pem file with both")
    try:
        key = load_pem_private_key(block[0], None)
    except TypeError as error:
        raise ProfileError(
            f"the private key in {certificate} is encrypted: give one that is not"
        ) from error
    except ValueError as error:
        raise ProfileError(f"the private key in {certificate} is unreadable") from error
    if not isinstance(key, PrivateKey):
        raise ProfileError(f"the private key in {certificate} is of a kind that TLS does not use")
    own = tuple(read_certificates(certificate))
    if own[0].public_key() != key.public_key():
        raise ProfileError(f"the private key in {certificate} is not that of its certificate")
    return own, key


def _account_of(credentials: Credentials) -> str:
    """Return the common name of our certificate, or ``""``."""
    if not credentials.certificates:
        return ""
    names = credentials.certificates[0].subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else ""


def _first_line(path: Path) -> str:
    password = path.read_text().partition("\n")[0].rstrip("\r")
    if not password:
        raise ProfileError(f"{path} holds no password: its first line is empty")
    return password
