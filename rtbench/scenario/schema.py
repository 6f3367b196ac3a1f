"""JSON Schema of scenario files, for editors that complete and check while one writes."""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from rtbench.scenario.model import Scenario


def scenario_schema() -> dict[str, Any]:
    """The schema; whatever `load_scenario` accepts is valid by it.

    The other way round it is laxer: ranges that end before they begin, names of clips and rules
    between two keys are seen only by `load_scenario`.
    """
    return {
        "$schema": GenerateJsonSchema.schema_dialect,
        **Scenario.model_json_schema(mode="validation"),
        "title": "rtbench scenario",
    }
