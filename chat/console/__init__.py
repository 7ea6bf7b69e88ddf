"""The console client: what a person types and reads, over `chat.client`.

Rules of this package: `commands`, `lines`, `completion`, `view`, and `model` with what
it is made of (`scrollback`, `wrapping`, `typing`) do no input or output; `screen` and
`pipe` are the two ways to read and print, `plain` joins them to a
`chat.client.client.Client`.  Textual is imported by `screen` and what it is made of
(`app`, `panels`, `entry`, `dialogs`).  Text of the server loses its formatting and its
control characters in `lines`, in one place, before anything prints it.
"""
