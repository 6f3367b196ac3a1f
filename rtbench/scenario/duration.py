"""Durations as a scenario writes them: a number and its unit, fixed or as a range."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Self

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from rtbench.scenario.fault import shown

UNITS_NS = {"ms": 10**6, "s": 10**9, "min": 60 * 10**9, "h": 3600 * 10**9}

LONGEST_NS = 7 * 24 * UNITS_NS["h"]
"""A week: longer than any run, and far inside 64 bits of nanoseconds."""

_NUMBER = r"[0-9]+(?:\.[0-9]+)?"
_UNIT = "|".join(UNITS_NS)
DURATION_PATTERN = rf"{_NUMBER} *(?:{_UNIT})"
_WRITTEN = re.compile(rf"(?P<number>{_NUMBER}) *(?P<unit>[^\W\d]*)")


@dataclass(frozen=True, slots=True, order=True)
class Duration:
    """A length of time, written `500 ms`, `2 s`, `1.5 min` or `1 h`."""

    ns: int

    @property
    def ms(self) -> float:
        return self.ns / UNITS_NS["ms"]

    @property
    def s(self) -> float:
        return self.ns / UNITS_NS["s"]

    @classmethod
    def parse(cls, written: object) -> Self:
        """Read a duration. Raises ValueError with what to write instead."""
        if isinstance(written, cls):
            return written
        if isinstance(written, int | float) and not isinstance(written, bool):
            raise ValueError(f"a duration needs its unit: write '{written} ms' or '{written} s'")
        match = _WRITTEN.fullmatch(written.strip()) if isinstance(written, str) else None
        if match is None:
            raise ValueError(f"must be a duration such as '500 ms' or '2 s', not {shown(written)}")
        number, unit = match["number"], match["unit"]
        if not unit:
            raise ValueError(f"a duration needs its unit: write '{number} ms' or '{number} s'")
        if unit not in UNITS_NS:
            raise ValueError(f"unknown unit '{unit}'; write {number} followed by ms, s, min or h")
        ns = int(Decimal(number) * UNITS_NS[unit])
        if ns > LONGEST_NS:
            raise ValueError("is longer than a week")
        return cls(ns)

    def __str__(self) -> str:
        """As it may be written in a scenario, in the largest unit that needs no fraction."""
        for unit in ("h", "min", "s"):
            if self.ns and self.ns % UNITS_NS[unit] == 0:
                return f"{self.ns // UNITS_NS[unit]} {unit}"
        return f"{(Decimal(self.ns) / UNITS_NS['ms']).normalize():f} ms"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return _written_schema(cls)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {
            "type": "string",
            "pattern": f"^{DURATION_PATTERN}$",
            "examples": ["500 ms", "2 s", "1.5 min", "1 h"],
        }


@dataclass(frozen=True, slots=True)
class DurationRange:
    """A length of time, drawn anew each time: `300 ms .. 900 ms`; one duration is a fixed length."""

    low: Duration
    high: Duration

    @classmethod
    def parse(cls, written: object) -> Self:
        """Read a duration or a range. Raises ValueError with what to write instead."""
        if isinstance(written, cls):
            return written
        if not (isinstance(written, str) and ".." in written):
            fixed = Duration.parse(written)
            return cls(fixed, fixed)
        low, high = (Duration.parse(end) for end in written.split("..", 1))
        if high < low:
            raise ValueError(f"the range '{written}' ends before it begins")
        return cls(low, high)

    def draw_ns(self, rng: random.Random) -> int:
        """One length, every nanosecond of the range being equally likely."""
        return rng.randint(self.low.ns, self.high.ns)

    def __str__(self) -> str:
        return str(self.low) if self.low == self.high else f"{self.low} .. {self.high}"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return _written_schema(cls)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {
            "type": "string",
            "pattern": f"^{DURATION_PATTERN}(?: *\\.\\. *{DURATION_PATTERN})?$",
            "examples": ["700 ms", "300 ms .. 900 ms"],
        }


def _written_schema(kind: type[Duration] | type[DurationRange]) -> CoreSchema:
    """Validation by `parse`, serialisation by `str`, so that a dumped scenario reads back equal."""
    return core_schema.no_info_plain_validator_function(
        kind.parse, serialization=core_schema.to_string_ser_schema(when_used="json")
    )
