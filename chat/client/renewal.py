"""Certificates that renew themselves: when it is time, and which files change."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from attrs import evolve
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from chat.client import enrolment
from chat.client.profile import Profile, read_device
from chat.pki.authority import new_key
from chat.pki.errors import PkiError
from chat.pki.files import write_files
from chat.pki.keys import encode_key

#: The part of its life after which a certificate is renewed, and for how much longer at
#: the most chance puts it off, so that not all come at once.
_DUE, _JITTER = 2 / 3, 1 / 30


def due(certificate: x509.Certificate, jitter: float) -> datetime:
    """Return when to renew ``certificate``; ``jitter`` is in [0, 1)."""
    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return start + (end - start) * (_DUE + _JITTER * jitter)


def renew_if_due(profile: Profile, now: datetime, jitter: float) -> Profile:
    """Return the profile with a certificate that is not due, as `renew_profile` does.

    What another program has renewed in the files meanwhile is taken from them.
    """
    source = profile.credentials.source
    if source is not None:
        certificates, key = read_device(source)
        credentials = evolve(profile.credentials, certificates=certificates, key=key)
        profile = evolve(profile, credentials=credentials)
    if now < due(profile.credentials.certificates[0], jitter):
        return profile
    return renew_profile(profile)


def renew_profile(profile: Profile, *, with_new_key: bool = False) -> Profile:
    """Return the profile with a new certificate, which its files hold by then.

    Blocks.  The file with certificate and key is exchanged in one step, and so are
    the ``.crt`` and the ``.key`` beside it where they are there.  Raises `PkiError`
    and `OSError`; the files are then as they were.
    """
    credentials = profile.credentials
    key, source = credentials.key, credentials.source
    if not isinstance(key, ec.EllipticCurvePrivateKey) or source is None:
        raise PkiError("this certificate was not made by this network: renew it where it was made")
    if with_new_key:
        key = new_key()
    certificates = enrolment.renew(profile, key=key)
    own, *chain = (certificate.public_bytes(Encoding.PEM) for certificate in certificates)
    private = encode_key(key, None)
    contents = {source: own + b"".join(chain) + private}
    beside = {".crt": own, ".key": private}
    contents |= {
        path: content for ending, content in beside.items() if (path := _beside(source, ending))
    }
    write_files(contents, replace=True)
    return evolve(profile, credentials=evolve(credentials, certificates=certificates, key=key))


def _beside(source: Path, ending: str) -> Path | None:
    path = source.with_suffix(ending)
    return path if path != source and path.exists() else None
