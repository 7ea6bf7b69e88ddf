"""Benchmarks: a real server in a process of its own, over TLS, on a network of its own.

Rules of this package: one scenario is one file and one command of ``python -m
bench``; what scenarios share is in the files that are no command; every number is
printed beside what it was measured with; what a scenario promises (order, nothing
lost) is checked, and the exit code is not 0 when it does not hold.
"""
