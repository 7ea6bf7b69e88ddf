"""Benchmarks: a real server in a process of its own, over TLS, on a network of its own.

Rules of this package: one scenario is one file of `bench.scenarios` and one command of
``python -m bench``; what scenarios share is in the other files.  Servers take turns in
one run, and each figure is the median of several, with its spread and its ratio to the
best of the others.  What a scenario promises (order, nothing lost) is checked, and the
exit code is not 0 when it does not hold.  The load comes from `bench/load`, a program in
Go that costs little beside a server.
"""
