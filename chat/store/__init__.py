"""The disk: the event log, checkpoints and accounts, in MariaDB or SQLite through adbapi.

Rules of this package: SQL stands here and nowhere else, each query in a private
function of a cursor that a public asynchronous method runs in a transaction; only
bytes and integers go into columns; what differs between the databases is in
dialects; every call has a deadline, and what misses it raises `UnavailableError`.
"""
