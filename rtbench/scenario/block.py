"""One block of a scenario: the base of its models. It knows its keys, and converts no types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator

from rtbench.scenario.fault import did_you_mean, fault


class Block(BaseModel):
    """A mapping of known keys; the docstring of each field is its description in the JSON schema."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )

    @model_validator(mode="before")
    @classmethod
    def _knows_its_keys(cls, written: Any) -> Any:
        """Before all else, as an unknown key is the likely cause of a missing one."""
        if isinstance(written, dict) and cls.model_config.get("extra") == "forbid":
            for key in written:
                if key not in cls.model_fields:
                    hint = did_you_mean(str(key), cls.model_fields)
                    raise fault(f"unknown key '{key}'{hint}", str(key))
        return written


def scalar_or_mapping(written: Any) -> str:
    """Discriminator of a union that is written as a word or as a mapping."""
    return "mapping" if isinstance(written, Mapping | BaseModel) else "scalar"
