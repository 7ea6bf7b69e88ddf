"""The console client: what a person types and reads, over `chat.client`.

Rules of this package: `commands`, `lines`, `completion`, `view`, and `model` with what
it is made of (`network`, `buffer`, `scrollback`, `entries`, `layout`, `wrapping`) do no
input or output.  `screen`, for all networks, and `pipe`, for one, are the two ways to read
and print; `plain` joins them to a `chat.client.client.Client`.  `archive` keeps on disk
what was said; SQL stands only in the modules that it is made of (``archive_*``).  Textual
is imported by `screen` and what it is made of (`app`, `panels`, `entry`, `dialogs`,
`help`).  Text of the server loses its formatting and its control characters in `lines`, in
one place, before anything prints it.
"""
