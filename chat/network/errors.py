"""Failures that a person is told of in words."""

from __future__ import annotations


class UnavailableError(Exception):
    """What was needed did not do its part in time; the text says what was not done."""
