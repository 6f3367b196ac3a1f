"""What was broken on purpose, by kind, and how often it was seen; and the breaks of connections by the callers' own side."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from rtbench.core.farewells import NORMAL_CLOSURE
from rtbench.results.reader import Run


@dataclass(frozen=True, slots=True)
class Injected:
    """One kind of fault that was made on purpose."""

    side: str
    """emulator, or caller."""

    kind: str
    """Of the caller's own: drop."""

    setting: str
    """The fault's main setting; of a drop how the connection was broken."""

    injected: int
    found: int
    """Of these, seen by the callers under the class that is theirs."""

    seen_as: str
    """That class, or the metric that moved."""

    is_behaviour: bool = False
    """It is no break, but how the service takes its turns: it shows only where somebody measured the very moment."""


_SHOWS_AS = {
    "reset": ("connection_lost",),
    "peer_gone": ("connection_lost",),
    "close": (f"closed_{NORMAL_CLOSURE}",),
    "channel_closed": (f"closed_{NORMAL_CLOSURE}",),
    # Found by who looks after idle lines, else when ICE's consent has expired, or while a session is set up.
    "half_open": ("no_sign_of_life", "connection_lost", "setup_timeout"),
    "ice_dead": ("no_sign_of_life", "connection_lost", "setup_timeout"),
}
"""By the way that a connection was broken (`core.script.DropHow`), the classes that its loss can have."""

_NO_OUTAGE = "no outage of its own: the call was over, left for a rotation, or out already"


def breaks_by_the_caller(run: Run) -> list[Injected]:
    """A row for each way; one for the breaks that nobody noticed, and one for those that nobody could."""
    cuts = _total(run.sessions, "cuts")
    if not cuts:
        return []
    unseen = _total(run.sessions, "cuts_unseen")
    drops = []
    noticed = 0
    if len(run.incidents):
        hows = run.incidents["injected"].fillna("")
        for how, rows in run.incidents[hows.ne("")].groupby(hows, sort=True):
            noticed += len(rows)
            drops.append(_broken_by(str(how), rows["error_class"]))
    if cuts > noticed + unseen:
        drops.append(Injected("caller", "drop", "that nobody noticed", cuts - noticed - unseen, 0, ""))
    if unseen:
        drops.append(Injected("caller", "drop", "of no effect", unseen, unseen, _NO_OUTAGE))
    return drops


def _broken_by(how: str, classes: pd.Series) -> Injected:
    expected = _SHOWS_AS.get(how, ())
    is_found = classes.isin(expected)
    others = [f"not {name or 'without a class'}" for name in sorted(classes[~is_found].fillna("").unique())]
    seen_as = " or ".join(sorted(classes[is_found].unique()) or expected)
    return Injected("caller", "drop", how, len(classes), int(is_found.sum()), ", ".join([seen_as, *others]))


def _total(rows: pd.DataFrame, column: str) -> int:
    return int(rows[column].fillna(0).sum()) if column in rows else 0
