"""Where people reach the server of a network, as far as its files tell."""

from __future__ import annotations

from ipaddress import ip_address

from cryptography import x509

from chat.client.profile import Address
from chat.pki.files import read_certificates
from chat.pki.layout import Layout
from chat.server.config import Config, parse_address


def public_address(config: Config, layout: Layout) -> tuple[Address, str]:
    """Return the address for clients, and the name that the server proves there.

    A server that listens on loopback is reached there, any other by the first name
    in its certificate.
    """
    host, port = parse_address(config.listen.tls[0])
    name = _first_name(read_certificates(layout.server_certificate)[0])
    return Address(host if _is_loopback(host) else name, port), name


def _first_name(certificate: x509.Certificate) -> str:
    """Return the first host, a name if there is one, that a server's certificate is for."""
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    hosts = names.get_values_for_type(x509.DNSName)
    addresses = map(str, names.get_values_for_type(x509.IPAddress))
    return [*hosts, *addresses][0]


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
