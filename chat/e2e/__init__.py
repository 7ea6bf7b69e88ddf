"""End-to-end encryption of rooms and conversations, as docs/encryption.md writes it down.

Rules of this package: `engine` is what a client drives; it is given lines and gives back
lines and effects, and has no sockets, no clock and no randomness of its own but that of
the library, which only `olm` imports.  `vault` is the one file.  Whatever is unclear fails
closed: it is refused with a reason, and nothing is sent in its place.  Keys, signatures and
ciphertexts are base64url without padding wherever they are text.
"""
