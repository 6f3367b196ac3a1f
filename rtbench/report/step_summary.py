"""The summary page of a job in GitHub Actions: a file named by the environment, to which Markdown is added."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

VARIABLE = "GITHUB_STEP_SUMMARY"

MOST_BYTES = 1_000_000
"""GitHub refuses a step's summary above 1 MiB altogether, so what is too long is left out instead."""


def append_step_summary(markdown: str, environment: Mapping[str, str]) -> bool:
    """Add a page to the job's summary, where there is one; whether it was added.

    A summary that cannot be written to is no reason for a run to fail.
    """
    name = environment.get(VARIABLE)
    if not name:
        return False
    added = (markdown.rstrip("\n") + "\n\n").encode()
    path = Path(name)
    try:
        size = path.stat().st_size if path.exists() else 0
        if size + len(added) > MOST_BYTES:
            return False
        with path.open("ab") as page:
            page.write(added)
    except OSError:
        return False
    return True
