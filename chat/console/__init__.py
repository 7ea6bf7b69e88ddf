"""The console client: what a person types and reads, over `chat.client`.

Rules of this package: `commands`, `lines`, `completion` and `view` do no input or
output; `terminal` and `pipe` are the two ways to read and print, `plain` joins them
to a `chat.client.client.Client`.  Text of the server loses its formatting and its
control characters in `lines`, in one place, before anything prints it.
"""
