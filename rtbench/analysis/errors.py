"""The errors of a run by class, in the three places where one can hurt."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True, slots=True)
class ErrorCounts:
    """Counts by class. One mishap can show in all three, so they are not to be added up."""

    reported: dict[str, int]
    """Errors met in sessions, whether or not anything was lost by them."""

    turns: dict[str, int]
    """Turns that were lost, by the class that ended them."""

    sessions: dict[str, int]
    """Sessions that were lost."""

    @property
    def classes(self) -> list[str]:
        """Every class, the most frequent first."""
        totals = Counter(self.reported) + Counter(self.turns) + Counter(self.sessions)
        return [name for name, _ in totals.most_common()]


def count_errors(turns: pd.DataFrame, sessions: pd.DataFrame) -> ErrorCounts:
    """Errors of all classes in these rows, the most frequent first."""
    reported: Counter[str] = Counter()
    written = sessions["errors"].dropna()
    for counts, rows in written[~written.isin(["", "{}"])].value_counts().items():
        reported.update({name: number * rows for name, number in json.loads(str(counts)).items()})
    return ErrorCounts(dict(reported.most_common()), _by_class(turns), _by_class(sessions))


def _by_class(rows: pd.DataFrame) -> dict[str, int]:
    classes = rows["error_class"].fillna("")
    return {str(name): int(count) for name, count in classes[classes != ""].value_counts().items()}
