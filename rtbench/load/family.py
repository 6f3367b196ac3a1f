"""A family of measurements as monitoring systems take them, before it is put in the words of any of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from rtbench.load.distribution import Distribution

Kind = Literal["counter", "gauge", "histogram"]
"""counter: never falls while a run lasts; gauge: as it is now; histogram: values in buckets."""

Unit = Literal["", "s", "By", "USD", "1"]
"""By UCUM, as OpenTelemetry writes them: seconds, bytes, US dollars, a share of 1; empty for plain counts and flags."""

Labels = tuple[str, ...]
"""The values of a family's labels, in the order of their names."""


@dataclass(frozen=True, slots=True)
class Family:
    """One named measurement, with its values by labels. A histogram has `distributions`, the others `numbers`."""

    name: str
    """As in the glossary, without unit and without the name of the program."""

    told: str
    """What it is, in a sentence."""

    kind: Kind
    unit: Unit = ""
    label_names: Labels = ()
    numbers: Mapping[Labels, float] = field(default_factory=dict)
    distributions: Mapping[Labels, Distribution] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunIdentity:
    """What tells the measurements of one run from those of others."""

    run: str
    """Name of its directory."""

    scenario: str
    transport: str
    target: str
    """As the command line names it: no key is in it."""

    version: str
    """Of rtbench."""

    def labels(self) -> dict[str, str]:
        """Those that stand with every measurement."""
        return {
            "scenario": self.scenario,
            "transport": self.transport,
            "target": self.target,
            "run": self.run,
        }
