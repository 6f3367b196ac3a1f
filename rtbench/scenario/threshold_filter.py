"""The filters of a threshold: of which turns, sessions or runs its metric is taken.

    voice_to_voice_ms{turn_kind=tool, concurrency>=50}

| filter | of | takes |
|---|---|---|
| `turn_kind` | turns | `tool` (a tool was called), else `spoken` or `manual` |
| `tool` | turns | `true`, `false` |
| `concurrency` | turns | a number of sessions of the same worker; also with `<`, `<=`, `>`, `>=` |
| `scenario`, `transport`, `target` | the run | a name; another run's threshold does not apply to this one |
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rtbench.scenario.fault import did_you_mean
from rtbench.scenario.threshold_metric import measured_on

TURN_KINDS = ("spoken", "manual", "tool")
TURN_FILTERS = ("turn_kind", "tool", "concurrency")
RUN_FILTERS = ("scenario", "transport", "target")
FILTERS = (*TURN_FILTERS, *RUN_FILTERS)

_COMPARISONS: dict[str, Callable[[int, int], bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_WRITTEN = re.compile(r"(?P<name>[A-Za-z_]+) *(?P<operator><=|>=|<|>|=) *(?P<value>[^\s,{}<>=][^,{}]*)")
_SELECTOR = re.compile(r"(?P<metric>[^{}]*)(?:\{(?P<filters>[^{}]*)\})?")


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition on the rows that a metric is taken of."""

    name: str
    operator: str
    value: str

    @property
    def is_of_run(self) -> bool:
        """Whether it decides on a whole run instead of a row."""
        return self.name in RUN_FILTERS

    def admits(self, row: Mapping[str, Any]) -> bool:
        """Whether a row of turns is among those meant."""
        match self.name:
            case "turn_kind":
                return turn_kind(row) == self.value
            case "tool":
                return bool(row["tool"]) is (self.value == "true")
            case _:
                return _COMPARISONS[self.operator](int(row["concurrency"]), int(self.value))

    def __str__(self) -> str:
        return f"{self.name}{self.operator}{self.value}"


def turn_kind(row: Mapping[str, Any]) -> str:
    """tool where a tool was called in the turn, else spoken or manual."""
    return "tool" if row["tool"] else str(row["kind"])


def split_selector(written: str) -> tuple[str, tuple[Filter, ...]]:
    """Metric and filters of `METRIC{FILTER,...}`. Raises ValueError with what is wrong as a sentence's end."""
    match = _SELECTOR.fullmatch(written.strip())
    if match is None:
        raise ValueError("must be a metric, or one with filters such as voice_to_voice_ms{turn_kind=tool}")
    metric = match["metric"].strip()
    if match["filters"] is None:
        return metric, ()
    return metric, tuple(_filter(part) for part in match["filters"].split(","))


def check_filters(metric: str, filters: tuple[Filter, ...]) -> None:
    """Raises ValueError where a filter means nothing to a known metric."""
    rows = measured_on(metric)
    for each in filters:
        if each.name in TURN_FILTERS and rows != "turns":
            raise ValueError(f"'{each.name}' filters turns; {metric} is measured on {_of(rows)}")


def _of(rows: str) -> str:
    return {"events": "turns and stimuli", "generator": "the load generator", "run": "the whole run"}.get(
        rows, rows
    )


def _filter(written: str) -> Filter:
    match = _WRITTEN.fullmatch(written.strip())
    if match is None:
        raise ValueError(f"'{written.strip()}' is not a filter such as turn_kind=tool or concurrency>=50")
    found = Filter(match["name"], match["operator"], match["value"].strip())
    if found.name not in FILTERS:
        raise ValueError(f"unknown filter '{found.name}'{did_you_mean(found.name, FILTERS)}")
    if found.name == "concurrency":
        if not found.value.isdecimal():
            raise ValueError(f"concurrency is a whole number, not '{found.value}'")
    elif found.operator != "=":
        raise ValueError(f"'{found.name}' takes =, not {found.operator}")
    valid = {"turn_kind": TURN_KINDS, "tool": ("true", "false")}.get(found.name)
    if valid is not None and found.value not in valid:
        raise ValueError(f"unknown {found.name} '{found.value}'{did_you_mean(found.value, valid)}")
    return found
