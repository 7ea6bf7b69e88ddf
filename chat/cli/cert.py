"""``securechat cert``: certificates for devices, and the list of the revoked ones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import click
from attrs import frozen
from cryptography import x509

from chat.cli.config_template import quote
from chat.cli.network import directory_option, load_config
from chat.cli.passphrase import known_passphrase
from chat.pki.authority import DEVICE_LIFETIME, Identity, issue_device, new_key
from chat.pki.bundles import DeviceFiles
from chat.pki.files import read_authority, read_certificates, read_private, write_files
from chat.pki.keys import is_encrypted
from chat.pki.layout import Layout
from chat.pki.revocation import renew_revocations
from chat.server.config import Config, parse_address

_passphrase_file = click.option(
    "--passphrase-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file whose first line opens the issuing key; asked for by default.",
)


@frozen
class _Network:
    """What the commands need of a network, and how its issuing key is opened."""

    config: Config
    layout: Layout
    passphrase: bytes | None

    @classmethod
    def open(cls, directory: Path, passphrase_file: Path | None) -> _Network:
        config = load_config(directory)
        layout = Layout(config.path(config.authority.directory))
        if not is_encrypted(read_private(layout.issuing_key)):
            return cls(config, layout, None)
        if passphrase_file is None and config.authority.passphrase_file:
            passphrase_file = config.path(config.authority.passphrase_file)
        return cls(config, layout, known_passphrase(passphrase_file, key=layout.issuing_key))


@click.group()
def cert() -> None:
    """Issue device certificates."""


@cert.command()
@click.argument("account")
@click.option("--device", default="laptop", show_default=True, help="The device's name.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the files go.  [default: ACCOUNT-DEVICE]",
)
@click.option(
    "--days",
    type=click.IntRange(1, 3650),
    default=DEVICE_LIFETIME.days,
    show_default=True,
    help="How long the certificate is valid.",
)
@directory_option
@_passphrase_file
def issue(
    account: str,
    device: str,
    out: Path | None,
    days: int,
    directory: Path,
    passphrase_file: Path | None,
) -> None:
    """Make a key and a certificate for a device of ACCOUNT.

    For clients that cannot make a key themselves.  Writes ACCOUNT-DEVICE.key
    and .crt, both in one file as .pem, ca.crt and profile.toml: the directory
    is a profile for "securechat connect".  Nothing is overwritten.

    \b
    Examples:
      securechat cert issue alice
      securechat cert issue alice --device phone --out /tmp/phone --days 90
    """  # noqa: D301
    identity = Identity(account, device)
    files = DeviceFiles(out if out is not None else Path(f"{account}-{device}"), identity)
    network = _Network.open(directory, passphrase_file)
    layout = network.layout
    issuing = read_authority(layout.issuing_certificate, layout.issuing_key, network.passphrase)
    key = new_key()
    certificate = issue_device(
        issuing, key.public_key(), identity, datetime.now(UTC), timedelta(days=days)
    )
    contents = files.contents(certificate, key, issuing.certificate)
    contents[layout.record(certificate)] = contents[files.path(".crt")]
    shared = _shared_files(files, network)
    contents |= shared
    write_files(contents)
    for path in contents:
        if path.parent == files.directory:
            click.echo(f"Wrote {path}")
    # A directory is the profile of the device that was first there.
    profile = (
        f"--dir {files.directory}" if shared else f"--cert {files.combined} --ca {files.authority}"
    )
    click.echo(
        f"{identity} can connect until {certificate.not_valid_after_utc:%Y-%m-%d}:"
        f" securechat connect {profile}"
    )


@cert.command("renew-list")
@directory_option
@_passphrase_file
def renew_list(directory: Path, passphrase_file: Path | None) -> None:
    """Sign the revocation list anew, for another seven days.

    A server that can open the issuing key does it daily by itself.

    \b
    Example:
      securechat cert renew-list --dir /srv/chat
    """  # noqa: D301
    network = _Network.open(directory, passphrase_file)
    renewed = renew_revocations(network.layout.directory, network.passphrase, datetime.now(UTC))
    click.echo(
        f"Wrote {network.layout.revocations}: number {renewed.number},"
        f" valid until {renewed.ends:%Y-%m-%d %H:%M} UTC"
    )


def _shared_files(files: DeviceFiles, network: _Network) -> dict[Path, bytes]:
    """Return what belongs to the directory and not to one device.

    A second device of the same network in it finds these there already: the
    authority is the same, and the profile stays the first device's.
    """
    root = network.layout.root_certificate.read_bytes()
    profile = files.directory / "profile.toml"
    if not files.authority.exists() or files.authority.read_bytes() != root:
        return {files.authority: root, profile: _profile(files, network)}
    if not profile.exists():
        return {profile: _profile(files, network)}
    return {}


def _profile(files: DeviceFiles, network: _Network) -> bytes:
    """Return the profile: where the server is, how it is called, and whose this is."""
    listening = network.config.listen.tls[0]
    name = _first_name(read_certificates(network.layout.server_certificate)[0])
    values = {
        "address": listening if _is_loopback(listening) else _at_port_of(name, listening),
        "server_name": name,
        "account": files.identity.account,
        "certificate": files.combined.name,
        "authority": files.authority.name,
    }
    return "".join(f"{key} = {quote(value)}\n" for key, value in values.items()).encode()


def _first_name(certificate: x509.Certificate) -> str:
    """Return the first host, a name if there is one, that a server's certificate is for."""
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    hosts = names.get_values_for_type(x509.DNSName)
    addresses = map(str, names.get_values_for_type(x509.IPAddress))
    return [*hosts, *addresses][0]


def _is_loopback(listening: str) -> bool:
    try:
        return ip_address(parse_address(listening)[0]).is_loopback
    except ValueError:
        return False


def _at_port_of(host: str, listening: str) -> str:
    port = parse_address(listening)[1]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
