"""Levels as a scenario writes them: decibels against the clip's own level, with their unit."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Self

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from rtbench.scenario.fault import shown

LOWEST_DB = -60.0
"""Speech of the corpora, at -20 dBFS, is below the noise of G.711 by then."""

HIGHEST_DB = 20.0
"""Speech at -20 dBFS is clipped all over by then."""

_NUMBER = r"[-+]?[0-9]+(?:\.[0-9]+)?"
LEVEL_PATTERN = rf"{_NUMBER} *dB"
_WRITTEN = re.compile(rf"(?P<number>{_NUMBER}) *(?P<unit>[^\W\d]*)")


@dataclass(frozen=True, slots=True, order=True)
class Level:
    """How much louder than it is a clip is played, written `-6 dB`."""

    db: float

    @classmethod
    def parse(cls, written: object) -> Self:
        """Read a level. Raises ValueError with what to write instead."""
        if isinstance(written, cls):
            return written
        if isinstance(written, int | float) and not isinstance(written, bool):
            raise ValueError(f"a level needs its unit: write '{written} dB'")
        match = _WRITTEN.fullmatch(written.strip()) if isinstance(written, str) else None
        if match is None:
            raise ValueError(f"must be a level such as '-6 dB', not {shown(written)}")
        if match["unit"] != "dB":
            raise ValueError(f"a level is in dB: write '{match['number']} dB'")
        db = float(match["number"])
        if not LOWEST_DB <= db <= HIGHEST_DB:
            raise ValueError(f"must be {LOWEST_DB:g} dB to {HIGHEST_DB:g} dB, not {shown(written)}")
        return cls(db)

    def __str__(self) -> str:
        return f"{Decimal(repr(self.db)).normalize():f} dB"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls.parse, serialization=core_schema.to_string_ser_schema(when_used="json")
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"type": "string", "pattern": f"^{LEVEL_PATTERN}$", "examples": ["-6 dB", "-20 dB"]}
