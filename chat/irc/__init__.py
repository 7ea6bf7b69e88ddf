"""The wire: what an IRC line is, shared by server and client.

Rules of this package: pure functions and frozen values only; bytes at its
edge, ``str`` inside; it knows the grammar and never the meaning of a command.
Sources: Modern IRC (modern.ircdocs.horse) and the IRCv3 specifications.
"""
