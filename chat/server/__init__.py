"""The Twisted shell around the core: TLS, connections, the log's loop, configuration.

Rules of this package: it decides nothing about IRC; it carries bytes to a
`chat.session.machine.SessionMachine`, entries to the log and facts to sessions.
"""
