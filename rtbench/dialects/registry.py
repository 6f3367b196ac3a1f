"""The registry of dialects, by the name that targets and scenarios use."""

from __future__ import annotations

from rtbench.dialects.dialect import Dialect
from rtbench.dialects.openai_ga import OPENAI_GA

DIALECTS: dict[str, Dialect] = {
    OPENAI_GA.name: OPENAI_GA,
}
