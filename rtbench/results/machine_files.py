"""Files that are kept per machine, for all runs on it: where the system keeps programs' state, and nowhere else."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rtbench.core.errors import UsageError


def state_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """`$XDG_STATE_HOME/rtbench`, by default `~/.local/state/rtbench` (XDG Base Directory Specification 0.8)."""
    named = environment.get("XDG_STATE_HOME", "")
    # A relative path is invalid there, and to be ignored.
    home = Path(named) if named.startswith("/") else Path.home() / ".local" / "state"
    return home / "rtbench"


def calibration_file(fingerprint: str, transport: str, environment: Mapping[str, str] = os.environ) -> Path:
    """Of one machine and transport."""
    return state_folder(environment) / "calibration" / f"{fingerprint}-{transport}.json"


def write_machine_file(path: Path, content: Mapping[str, Any]) -> None:
    """Write it whole, making its folder. Raises UsageError where that cannot be done."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.tmp")
        temporary.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written ({error.strerror})") from error


def read_machine_file(path: Path) -> dict[str, Any] | None:
    """Its content; None where there is none, or none that can be read: it is made again at any time."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None
