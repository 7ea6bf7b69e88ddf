"""The console client: what a person types and reads, over `chat.client`.

A `conversation` joins the client of one network to a `front`, which reads and prints; `run`
chooses the front: `screen`, the full screen for all networks, or `plain`, lines for one.

- `commands`, `completion`: what is typed;
- `lines`, `wrapping`: what happens, as text; `view`: where one is, and who is there;
- `model`: what the full screen shows;
- `archive`: what was said, kept on disk;
- `settings`: what a person sets: values and keys;
- `errand`: one question to the server, without a conversation.

Rules of this package: text of the server loses its formatting and its control characters in
`lines`, in one place, before anything prints it.  Only `screen` imports Textual, and nothing
but `run` imports `screen`.  `commands`, `completion`, `lines`, `wrapping`, `view` and `model`
do no input or output.  Imports point one way (setup.cfg).
"""
