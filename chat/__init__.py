"""A private chat network that its owners run themselves.

Imports point one way: cli -> server | console -> client; server -> session ->
features -> network -> irc.  store and pki stand beside them and know nothing
of the server.  ``lint-imports`` holds this (setup.cfg).
"""
