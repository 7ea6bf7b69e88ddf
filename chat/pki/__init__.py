"""The authority of a network: its certificates, their keys, its revocation list.

Rules of this package: `authority` and `revocation` are pure, they return values
and take the time (an aware `datetime` in UTC) as an argument; one function of
`files` writes, last; whatever is wrong is a `PkiError` whose text names cause
and remedy.  It knows nothing of the server.
Source: RFC 5280.
"""
