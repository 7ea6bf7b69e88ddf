"""What a TLS server presents, and what it costs to reach it.

Rules of this package: `records`, `messages`, `flights`, `chain`, `verdict` and
`failure` are pure, bytes and times in and facts out; `probe` opens the sockets and
drives OpenSSL through memory; `report` is the shape of the result, also as JSON;
`printer` shows it.  What a server sent is kept as it is, and made harmless where it
is shown.  It knows any TLS server and nothing of IRC.
Sources: RFC 8446 (TLS 1.3), RFC 5246 (TLS 1.2), RFC 5280 (certificates).
"""
