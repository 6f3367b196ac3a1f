"""An amount that somebody wrote on a command line: callers, dollars, minutes."""

from __future__ import annotations

import argparse


def positive_amount(written: str) -> float:
    """A number above 0. Raises argparse.ArgumentTypeError."""
    try:
        value = float(written)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a number above 0, not '{written}'")
    return value
