"""A run that is still to be held, as its `run.json` will tell it: what a baseline can be checked against beforehand."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rtbench.scenario.model import Scenario
    from rtbench.scenario.shape import Shape


def planned_run(
    args: argparse.Namespace, path: Path, duration_s: float | None, shape: Shape | None
) -> dict[str, Any]:
    """The part of `run.json` that runs must share to be compared, from the options of `rtbench run`.

    `duration_s` and `shape` are those of the command line, as read. Raises UsageError where scenario, corpus or
    trace cannot be read.
    """
    from rtbench.core.metrics import METRIC_VERSION
    from rtbench.results.provenance import ScenarioSource
    from rtbench.scenario.clips import open_corpus
    from rtbench.scenario.load import load_scenario

    scenario = load_scenario(path)
    corpus = open_corpus(scenario)
    transport = args.transport or scenario.transport
    planned = {
        "metric_version": METRIC_VERSION,
        "scenarios": [ScenarioSource(scenario.name, str(path), path.read_text(encoding="utf-8")).as_dict()],
        "corpus": {"name": corpus.manifest.name, "sha256": corpus.sha256},
        "transport": transport,
        "codec": (args.codec or scenario.codec) if transport == "webrtc" else "",
        "load": _load(args, scenario, path, duration_s, shape),
    }
    read_back: dict[str, Any] = json.loads(json.dumps(planned))  # as it is compared: a list is no tuple
    return read_back


def _load(
    args: argparse.Namespace, scenario: Scenario, path: Path, duration_s: float | None, shape: Shape | None
) -> dict[str, Any]:
    """As `load.run` tells it, which cannot be asked: it would bring in all of Locust before anything is checked."""
    if shape is None and args.users is None and duration_s is None and scenario.shape is not None:
        shape = scenario.shape.read_trace(path.parent)
    if shape is not None:
        told = {shape.kind: shape.one.model_dump(mode="json")}
        return {"users": shape.one.most_users, "spawn_rate": None, "shape": told}
    users, spawn_rate = args.users or scenario.users, args.spawn_rate or scenario.spawn_rate
    return {"users": users, "spawn_rate": spawn_rate, "shape": None}
