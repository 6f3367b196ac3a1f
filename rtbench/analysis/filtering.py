"""The rows that a threshold's or a comparison's filters mean."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pandas as pd

from rtbench.analysis.samples import Rows
from rtbench.scenario.threshold_filter import Filter


def filtered(rows: Rows, filters: Iterable[Filter]) -> Rows:
    """The rows that every filter admits; what a filter says of a whole run (`target`, `transport`) is not looked at."""
    for each in filters:
        if each.name == "scenario":
            tables = (rows.turns, rows.sessions, rows.stimuli, rows.incidents)
            rows = Rows(*(table[table["scenario"].eq(each.value)] for table in tables))
        elif not each.is_of_run:
            rows = replace(rows, turns=rows.turns[_admitted(rows.turns, each)])
    return rows


def _admitted(turns: pd.DataFrame, condition: Filter) -> pd.Series:
    columns = (turns["tool"], turns["kind"], turns["concurrency"])
    admitted = [
        condition.admits({"tool": tool, "kind": kind, "concurrency": concurrency})
        for tool, kind, concurrency in zip(*columns, strict=True)
    ]
    return pd.Series(admitted, index=turns.index, dtype=bool)
