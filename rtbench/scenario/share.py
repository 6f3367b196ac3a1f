"""A share of something, as a scenario writes it: `2 %`, or a number from 0 to 1."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator

from rtbench.scenario.fault import fault, shown


def read_share(written: Any) -> Any:
    """Per cent as a number from 0 to 1; what is no text is left to who checks its bounds."""
    if isinstance(written, str) and written.strip().endswith("%"):
        try:
            # Through its decimal digits: 2 % is to be 0.02, not the float next to it.
            return float(f"{float(written.strip().removesuffix('%')) / 100:.12g}")
        except ValueError:
            raise fault(f"must be a share such as '50 %', not {shown(written)}") from None
    return written


Share = Annotated[float, BeforeValidator(read_share, json_schema_input_type=str | float)]
