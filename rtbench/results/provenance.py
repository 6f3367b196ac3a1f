"""Provenance of a run: what ran, on what, against what, so that its numbers can be judged and repeated.

`run.json` is one object:

    format            version of this layout
    metric_version    of the definitions (`rtbench.core.metrics`)
    scenarios         [{name, path, sha256, text}]
    corpus            {name, path, sha256}
    thresholds        [{metric, statistic, operator, limit}]
    load              {users, spawn_rate, shape}; shape is null where callers come once and stay, all of it where
                      Locust's own command decides the load
    codec             of the WebRTC calls: opus, pcmu, pcma, several joined by +; empty where there are none
    seed, target, transport, command (secrets removed), started_at, ended_at (ISO 8601; null until the end)
    versions          {rtbench, python, <package>...}
    host              {cpu, cores, memory_bytes, kernel, machine}
    reconciliation    see `results.reconciliation`; null until the end
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

from rtbench.core.metrics import METRIC_VERSION
from rtbench.results.reconciliation import Reconciliation
from rtbench.results.secrets import redact, redact_command

FORMAT = 1
KEY_PACKAGES = ("locust", "websockets", "uvloop", "aiohttp", "msgspec", "numpy", "pandas", "pyarrow")


@dataclass(frozen=True, slots=True)
class ScenarioSource:
    """A scenario as it was read."""

    name: str
    path: str
    text: str

    def as_dict(self) -> dict[str, str]:
        digest = hashlib.sha256(self.text.encode()).hexdigest()
        return {"name": self.name, "path": self.path, "sha256": digest, "text": self.text}


@dataclass(frozen=True, slots=True)
class CorpusSource:
    """The corpus that the callers spoke from, with the digest that the corpus itself states."""

    name: str
    path: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Provenance:
    """What the controller knows when a run begins."""

    scenarios: Sequence[ScenarioSource]
    corpus: CorpusSource
    seed: int
    target: str
    transport: str
    command: Sequence[str]
    started_at: datetime
    thresholds: Sequence[Mapping[str, Any]] = field(default_factory=tuple)
    """Each with metric, statistic, operator, limit."""

    load: Mapping[str, Any] | None = None
    codec: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The content of `run.json` while the run goes on."""
        return {
            "format": FORMAT,
            "metric_version": METRIC_VERSION,
            "scenarios": [scenario.as_dict() for scenario in self.scenarios],
            "corpus": asdict(self.corpus),
            "thresholds": [dict(threshold) for threshold in self.thresholds],
            "load": dict(self.load) if self.load is not None else None,
            "seed": self.seed,
            "target": redact(self.target),
            "transport": self.transport,
            "codec": self.codec,
            "command": redact_command(self.command),
            "started_at": self.started_at.isoformat(),
            "ended_at": None,
            "versions": describe_versions(),
            "host": asdict(describe_host()),
            "reconciliation": None,
        }


def ended(run: Mapping[str, Any], ended_at: datetime, reconciliation: Reconciliation) -> dict[str, Any]:
    """The content of `run.json` once the run is over."""
    return {**run, "ended_at": ended_at.isoformat(), "reconciliation": reconciliation.as_dict()}


def write_run_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write `run.json` whole: a reader sees the old content or the new one, never half of it."""
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    temporary.replace(path)


@dataclass(frozen=True, slots=True)
class Host:
    """The machine that generated the load."""

    cpu: str
    cores: int
    """Those that this process may use, of the machine's logical ones."""

    memory_bytes: int
    kernel: str
    machine: str


def describe_host() -> Host:
    """The machine that this process runs on."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Host(
        cpu=_cpu_model(Path("/proc/cpuinfo")),
        cores=cores,
        memory_bytes=psutil.virtual_memory().total,
        kernel=f"{platform.system()} {platform.release()}",
        machine=platform.machine(),
    )


def describe_versions() -> dict[str, str]:
    """Versions of rtbench, of Python, and of the packages that the numbers depend on."""
    versions = {"rtbench": _version("rtbench"), "python": platform.python_version()}
    return versions | {name: _version(name) for name in KEY_PACKAGES}


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "unknown"


def _cpu_model(cpuinfo: Path) -> str:
    try:
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, "") or platform.processor() or platform.machine()
