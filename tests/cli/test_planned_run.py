"""A run told before it is held, against what the run itself then writes down."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from rtbench.analysis.comparability import differences
from rtbench.cli import run as command
from rtbench.cli.argument import positive_seconds
from rtbench.cli.planned_run import planned_run
from rtbench.load import run as holding
from rtbench.load.run_keeper import RunKeeper, RunSettings
from rtbench.scenario.load import load_scenario
from rtbench.scenario.shape import parse_shape

SCENARIO = """\
name: brief
conversation:
  - say: {role: question}
  - listen
users: 7
"""
REPLAY = "shape: {replay: {file: calls.csv, cap: 3}}\n"
SPIKE = "shape: {spike: {base: 1, users: 60, before: 30 s, lasts: 1 min, after: 30 s}}\n"
MEDIA = "transport: webrtc\ncodec: pcma\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (SCENARIO, ""),
        (SCENARIO, "--users 3 --spawn-rate 2.5 --duration 5s"),
        (SCENARIO, "--shape open:rate=2.5,cap=200,lasts=5min"),
        (SCENARIO + REPLAY, ""),
        (SCENARIO.replace("users: 7\n", SPIKE), ""),
        (SCENARIO.replace("users: 7\n", SPIKE), "--spawn-rate 2"),
        (SCENARIO.replace("users: 7\n", SPIKE), "--users 2"),
        (SCENARIO.replace("users: 7\n", SPIKE), "--duration 5s"),
        (SCENARIO + MEDIA, ""),
        (SCENARIO + MEDIA, "--transport websocket"),
        (SCENARIO, "--transport webrtc --codec opus"),
    ],
)
def test_it_is_what_the_run_writes_down(
    text: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "brief.yaml"
    path.write_text(text)
    (tmp_path / "calls.csv").write_text("seconds\n1\n2\n")
    parser = argparse.ArgumentParser()
    command.register(parser.add_subparsers())
    args = parser.parse_args(["run", str(path), *words.split()])
    duration_s = positive_seconds("--duration", args.duration)
    shape = parse_shape(args.shape).read_trace(Path()) if args.shape else None
    planned = planned_run(args, path, duration_s, shape)

    loads: list[dict[str, Any]] = []
    monkeypatch.setattr(holding._Run, "hold", lambda self: loads.append(self._load()[2]))
    options = holding.RunOptions(
        path, "emulator", args.transport, tmp_path, (), args.users, args.spawn_rate, duration_s, shape=shape
    )
    holding.run(options, Console())
    settings = RunSettings(
        transport=args.transport, codec=args.codec, out=tmp_path, load=loads[0], command=()
    )
    keeper = RunKeeper([(path, load_scenario(path))], settings)
    written = json.loads(keeper.directory.run_json.read_text())
    assert {key: written[key] for key in ("metric_version", "scenarios", "transport", "codec", "load")} == {
        key: value for key, value in planned.items() if key != "corpus"
    }
    assert list(differences(planned, written)) == []
