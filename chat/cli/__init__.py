"""The program ``securechat``: one file per command.

Rules of this package: a command parses its arguments, calls one thing of
another package and says what happened.  An expected failure is a
`click.ClickException` whose one line on standard error names cause and remedy;
a command imports what it runs inside its function, so that ``--help`` is quick.
"""
