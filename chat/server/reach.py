"""Where people reach the server of a network, as far as its configuration tells."""

from __future__ import annotations

from ipaddress import ip_address

from cryptography import x509

from chat.pki.errors import PkiError
from chat.pki.files import read_certificates
from chat.server.config import Config, parse_address


def public_address(config: Config) -> tuple[str, str]:
    """Return the address for clients, ``host:port``, and the name that the server proves there.

    It is ``[listen] address`` where that is set.  Else a server that listens on
    loopback is reached there, and any other by the first name in its certificate.
    Raises `PkiError` where the certificate is not for the address, and `OSError`.
    """
    names = _names(read_certificates(config.path(config.tls.certificate))[0])
    if config.listen.address:
        host, _ = parse_address(config.listen.address)
        if not {host, f"*.{host.partition('.')[2]}"} & set(names):
            raise PkiError(
                f"[listen] address is {config.listen.address}, and the server's certificate is"
                f" for {', '.join(names)}: `securechat ca renew-server --host {host}` makes one"
                " for it"
            )
        return config.listen.address, host
    host, port = parse_address(config.listen.tls[0])
    reached = host if _is_loopback(host) else names[0]
    return f"[{reached}]:{port}" if ":" in reached else f"{reached}:{port}", names[0]


def _names(certificate: x509.Certificate) -> list[str]:
    """Return the hosts that a server's certificate is for, names before addresses."""
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    hosts = names.get_values_for_type(x509.DNSName)
    return [*hosts, *map(str, names.get_values_for_type(x509.IPAddress))]


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
