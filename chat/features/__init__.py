"""What the network offers over IRC, one file per feature.

A feature's file holds its commands, its capability, its ISUPPORT tokens and the
rendering of its events, registered on its own `Feature`; nothing elsewhere names
it.  Handlers are pure: they read the state, ask the policy, and yield replies,
events and queries (`chat.features.feature`).
"""
