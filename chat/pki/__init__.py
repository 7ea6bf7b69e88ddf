"""The authority of a network: its certificates, their keys, its revocation list.

Rules of this package: `authority`, `requests`, `revocation` and `describe` are pure,
they return values; the time (an aware `datetime` in UTC) is an argument
everywhere; one function of `files` writes, and whoever changes what is there does
it in single replacements, between any two of which the network works; whatever is
wrong is a `PkiError` whose text names cause and remedy.  It knows nothing of the
server.
Source: RFC 5280.
"""
