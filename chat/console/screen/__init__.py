"""The full screen: all networks in one terminal, with Textual.

`screen` has a `desk` for each network, the front of its conversation, with its `past`.  They
change the model, and `app` draws that in `panels`, above the `entry`; `dialogs` and `help` open
above.  `notifiers` ring, `driver` is the terminal, `looks` are its colours.

Rules of this package: what comes from networks only changes the model and has it drawn soon,
since it comes outside of Textual's context.  What is decided without a screen is in
`chat.console.model`.
"""
