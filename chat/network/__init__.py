"""The domain: what happens on the network (events) and what is so because of it (state).

Rules of this package: the state of the network is the fold of its events.
``Network.apply`` is the only place where state changes; it is total and has no
policy: a stale event does nothing or resolves by a fixed rule.  Policy decides
before an event is made, by raising `Refused`.  No Twisted, no clock, no randomness:
time, ids and randomness come in as arguments.
"""
