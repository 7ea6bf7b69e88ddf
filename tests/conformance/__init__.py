"""The public conformance suite irctest against our own server; docs/conformance.md says how."""
