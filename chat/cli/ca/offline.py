"""``securechat ca request``, ``sign`` and ``install``: by way of a machine without a network."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from chat.cli.authority import (
    BuiltIn,
    open_root,
    passphrase_option,
)
from chat.cli.ca.rotation import report
from chat.cli.network import directory_option
from chat.pki import rotation
from chat.pki.authority import title
from chat.pki.files import read_certificates
from chat.pki.layout import Layout

_out_option = click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="The file to write; it must not be there.",
)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@_out_option
@click.option("--no-passphrase", is_flag=True, help="Do not encrypt it, where no key is here.")
@directory_option
@passphrase_option
def request(out: Path, no_passphrase: bool, directory: Path, passphrase_file: Path | None) -> None:
    """Ask the root for a new issuing authority.

    Makes its key here, and a signing request.  The first of three steps, for a
    root whose key never comes to this machine: take the file to the machine of
    the root, sign it there, and install what comes back.  Nothing changes before.

    \b
    Example:
      securechat ca request --out /media/stick/issuing.csr
    """  # noqa: D301
    network = BuiltIn.of(directory, passphrase_file)
    passphrase = network.passphrase_for_new_key(none=no_passphrase)
    key = rotation.request_issuing(network.layout, passphrase, out)
    click.echo(f"Wrote {key}, which stays here, and {out}.  What comes next:")
    click.echo(f"  securechat ca sign {out.name} --root DIR --out {out.stem}.crt   (at the root)")
    click.echo(f"  securechat ca install {out.stem}.crt   (here)")


@click.command()
@click.argument("file", type=_FILE)
@click.option(
    "--root",
    "root_directory",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    required=True,
    help="The directory with root.key and root.crt.",
)
@_out_option
@click.option(
    "--passphrase-file", type=_FILE, help="A file whose first line opens root.key; asked for."
)
def sign(file: Path, root_directory: Path, out: Path, passphrase_file: Path | None) -> None:
    """Sign a request with the root's key.

    Needs no network, only root.key and root.crt in the --root directory.  Only
    the public key in FILE counts: the root decides on all else.

    \b
    Example:
      securechat ca sign issuing.csr --root /media/vault/lab --out issuing.crt
    """  # noqa: D301
    root = Layout(root_directory)
    (certificate, *_) = read_certificates(root.root_certificate)
    authority = open_root(certificate, root.root_key, passphrase_file)
    signed = rotation.sign_request(authority, file, out, datetime.now(UTC))
    click.echo(
        f"Wrote {out}: {title(signed.subject)}, valid until {signed.not_valid_after_utc:%Y-%m-%d}"
    )


@click.command()
@click.argument("file", type=_FILE)
@directory_option
@passphrase_option
def install(file: Path, directory: Path, passphrase_file: Path | None) -> None:
    """Use the issuing authority that the root signed.

    FILE comes from "securechat ca sign".  The authority before it stays trusted.
    After an interruption, run it again.

    \b
    Example:
      securechat ca install /media/stick/issuing.crt
    """  # noqa: D301
    network = BuiltIn.of(directory, passphrase_file)
    (certificate, *_) = read_certificates(file)
    now = datetime.now(UTC)
    rotation.check_issuing(network.layout, certificate, now)
    report(network, rotation.install(network.layout, certificate, network.passphrase(), now))
