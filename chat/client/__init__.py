"""The client's side: an IRCv3 library under the console, the proxy and whatever comes.

Rules of this package: `state` and what it uses decide and do no input or output
(messages in, events and messages out); `tls`, `protocol`, `client` and `proxy` are
the Twisted shell around it.  Text in events is as the server sent it: whoever shows
it strips formatting and control characters.  It knows other IRC servers too, and
imports nothing of ``chat.server``, ``chat.session``, ``chat.features``, ``chat.network``.
"""
