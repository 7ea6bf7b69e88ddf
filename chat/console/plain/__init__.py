"""The plain console: one line for each event, one action for each line typed.

`pipe` is for programs and files, `keyboard` for a person on a terminal: it keeps the line
that is being typed (`typed`) below what arrives.  `password` asks without showing.

Rules of this package: no thread, and no waiting for input; the terminal is left as it was.
"""
