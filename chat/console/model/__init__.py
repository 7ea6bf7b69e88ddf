"""What the full screen shows, without a screen.

A `model` has networks, a `network` has buffers, a `buffer` has a `scrollback`, that has
`entries`; `layout` puts these in columns.  `notifications` decides who is told of what,
`typing` helps who types.

Rules of this package: no input or output, no Textual, and no clock: times come in as
arguments.  What it shows of the server's comes from `chat.console.lines`.
"""
