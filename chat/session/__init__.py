"""One client's session: from lines to commands, and from facts to lines.

Rules of this package: no sockets and no clock; the shell (`chat.server`) calls in
with lines, facts and answers, and is called through `chat.session.shell.Shell`.
"""
