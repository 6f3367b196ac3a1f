"""Arguments of several commands, each read in one way."""

from __future__ import annotations

import argparse

from rtbench.core.errors import UsageError


def positive_int(written: str) -> int:
    """A whole number above 0. Raises argparse.ArgumentTypeError."""
    if not written.isdecimal() or int(written) == 0:
        raise argparse.ArgumentTypeError(f"must be a whole number above 0, not '{written}'")
    return int(written)


def seconds(option: str, written: str) -> float:
    """A length of time such as '30 s', in seconds. Raises UsageError, naming the option."""
    from rtbench.scenario.duration import Duration

    try:
        return Duration.parse(written).s
    except ValueError as error:
        raise UsageError(f"{option}: {error}") from None


def positive_seconds(option: str, written: str | None) -> float | None:
    """The same, longer than 0; None where nothing was written."""
    if written is None:
        return None
    found = seconds(option, written)
    if found == 0:
        raise UsageError(f"{option}: must be longer than 0")
    return found
