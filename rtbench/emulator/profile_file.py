"""Profiles on disk: those that come with rtbench, and the user's own YAML files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from rtbench.core.errors import UsageError
from rtbench.emulator.profile import Profile
from rtbench.scenario.fault import did_you_mean, fault_location, fault_sentence
from rtbench.scenario.source import Source, written_path

SHIPPED_PROFILES = Path(__file__).parent / "profiles"

_DELAYS = ("response_delay", "leading_silence", "jitter", "transcription_delay")


def find_profile(name_or_path: str) -> Path:
    """A profile's file, by path or by the name of one that comes with rtbench.

    Raises UsageError with the nearest name where there is none.
    """
    path = Path(name_or_path)
    if path.suffix in (".yaml", ".yml") or path.is_file():
        return path
    shipped = {file.stem: file for file in SHIPPED_PROFILES.glob("*.yaml")}
    if name_or_path in shipped:
        return shipped[name_or_path]
    raise UsageError(f"emulator profile '{name_or_path}' was not found{did_you_mean(name_or_path, shipped)}")


def read_profile(path: Path, settings: Mapping[str, Any] | None = None) -> Profile:
    """A profile from its file, with single `settings` put over those of the file.

    Raises UsageError naming file, line and key; for one of `settings`, the key alone.
    """
    source = Source.read(path)
    if not isinstance(source.data, dict):
        raise UsageError(f"{path}: a profile is a mapping of keys")
    own = dict(settings or {})
    written = {name: _with_values(name, value, path.parent, source) for name, value in source.data.items()}
    try:
        return Profile.model_validate({**written, **own})
    except ValidationError as error:
        first = error.errors()[0]
        at, missing = fault_location(first)
        keys = (*at, *missing)
        where = f"emulator.{written_path(keys)}" if keys and keys[0] in own else source.where(keys)
        raise UsageError(f"{where}: {fault_sentence(first)}") from None


def _with_values(name: str, value: Any, folder: Path, source: Source) -> Any:
    """A delay whose empirical values are in a file of their own, with these in place of its name."""
    if name not in _DELAYS or not isinstance(value, dict) or not isinstance(value.get("empirical"), str):
        return value
    file = folder / value["empirical"]
    where = source.where((name, "empirical"))
    try:
        lines = file.read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError):
        raise UsageError(f"{where}: file {file} cannot be read") from None
    try:
        values = [f"{float(line):.6f} ms" for line in lines]
    except ValueError:
        raise UsageError(f"{where}: file {file} must hold one number of milliseconds per line") from None
    if any(float(line) < 0 for line in lines):
        raise UsageError(f"{where}: file {file} has a negative delay")
    return {"empirical": values}
