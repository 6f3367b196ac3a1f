"""Scenarios from files; everything wrong with one is told in one sentence with file, line and key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from rtbench.core.errors import UsageError
from rtbench.scenario.fault import KeyPath, fault_location, fault_sentence
from rtbench.scenario.model import Scenario
from rtbench.scenario.overrides import override
from rtbench.scenario.source import Source
from rtbench.scenario.threshold_metric import KNOWN_METRICS


def load_scenario(
    path: Path | str,
    known_metrics: Iterable[str] = KNOWN_METRICS,
    overrides: Mapping[str, Any] | None = None,
) -> Scenario:
    """Read and validate one file, with `overrides` (dotted key to value, see `parse_override`) set in it first.

    Raises UsageError with one sentence about the first thing that is wrong, and how many more there are.
    `effective_text` of the scenario's source is a file that another process can load without the overrides.
    """
    return validate_scenario(override(Source.read(Path(path)), overrides or {}), known_metrics)


def load_scenarios(
    paths: Sequence[Path | str],
    known_metrics: Iterable[str] = KNOWN_METRICS,
    overrides: Mapping[str, Any] | None = None,
) -> tuple[Scenario, ...]:
    """Read several files, each with the same overrides. Raises UsageError as `load_scenario`, and where two scenarios have one name."""
    known = tuple(known_metrics)
    scenarios: dict[str, Scenario] = {}
    for path in paths:
        scenario = load_scenario(path, known, overrides)
        first = scenarios.setdefault(scenario.name, scenario)
        if first is not scenario:
            assert first.source is not None
            raise scenario.error(("name",), f"'{scenario.name}' is already the name of {first.source.path}")
    return tuple(scenarios.values())


def validate_scenario(source: Source, known_metrics: Iterable[str] = KNOWN_METRICS) -> Scenario:
    """The scenario that a source describes; raises as `load_scenario`."""
    if not isinstance(source.data, dict):
        raise UsageError(f"{source.where(())}: a scenario is a mapping of keys such as name and conversation")
    try:
        scenario = Scenario.model_validate(source.data, context={"known_metrics": tuple(known_metrics)})
    except ValidationError as error:
        raise _first_fault(error, source) from None
    except RecursionError:
        raise UsageError(f"{source.path}: nested too deeply") from None
    return scenario.read_from(source)


def _first_fault(error: ValidationError, source: Source) -> UsageError:
    """The first by line; faults of one key count once."""
    faults: dict[KeyPath, str] = {}
    for details in error.errors(include_url=False):
        existing, beyond = fault_location(details)
        faults.setdefault((*source.real_path(existing), *beyond), fault_sentence(details))
    keys = min(faults, key=source.line)
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    return UsageError(f"{source.where(keys)}: {faults[keys]}{more}")
