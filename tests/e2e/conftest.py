"""What the end-to-end tests need: a small corpus and scenario, commands under watch, and the rows of a run."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pyarrow.parquet as pq
import pytest

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
MARKER = "RTBENCH_E2E"
PATIENCE_S = 240.0
"""For anything that must come: a run takes 8 s on an idle machine, and others may be busy on this one."""

SCENARIO = """\
name: brief
corpus: {corpus}
session:
  turn_detection: {{type: server_vad, silence_duration_ms: 200}}
conversation:
  - say: yes_rms
  - listen
users: 2
spawn_rate: 10
iterations: 2
think_time: 0 ms
between_calls: 100 ms
emulator:
  response_delay: 50 ms
  replies: [sure_america]
"""


@dataclass
class Ended:
    """A command that has come to its end."""

    code: int
    out: str
    errors: str


class Running:
    """A command under way; every process that descends from it has its mark in the environment."""

    def __init__(self, command: list[str], folder: Path, variables: dict[str, str]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.mark = uuid.uuid4().hex
        kept = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}
        with (folder / "stdout").open("wb") as out, (folder / "stderr").open("wb") as errors:
            self.process = subprocess.Popen(
                command,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=errors,
                env={**kept, "PYTHONPATH": str(ROOT), **variables, MARKER: self.mark},
                start_new_session=True,  # a process group of its own, as a terminal's job has
            )

    @property
    def out(self) -> str:
        return (self.folder / "stdout").read_text()

    @property
    def errors(self) -> str:
        return (self.folder / "stderr").read_text()

    @property
    def run(self) -> Path:
        """The only run directory that it has left."""
        (run,) = (self.folder / "reports").iterdir()
        return run

    def until(self, condition: Callable[[], Any], what: str) -> Any:
        """The first true value of the condition."""
        deadline = time.monotonic() + PATIENCE_S
        while not (value := condition()):
            assert self.process.poll() is None, f"ended before {what}: {self.out}{self.errors}"
            assert time.monotonic() < deadline, f"never saw {what}: {self.out}{self.errors}"
            time.sleep(0.05)
        return value

    def until_turns_are_written(self) -> Path:
        self.until(lambda: list(self.folder.glob("reports/*/turns.parts/*.parquet")), "turns")
        return self.run

    def ended(self) -> Ended:
        return Ended(self.process.wait(PATIENCE_S), self.out, self.errors)

    def processes(self, naming: str = "") -> list[psutil.Process]:
        """Its living descendants whose command line names something, by their mark."""
        found = []
        for process in psutil.process_iter():
            try:
                marked = process.environ().get(MARKER) == self.mark
                command = " ".join(process.cmdline())
                if marked and process.status() != psutil.STATUS_ZOMBIE and naming in command:
                    found.append(process)
            except psutil.Error:
                continue
        return sorted(found, key=lambda process: process.pid)

    def left_behind(self) -> list[str]:
        """Command lines of what is still there some time after its end."""
        deadline = time.monotonic() + 30
        while (left := self.processes()) and time.monotonic() < deadline:
            time.sleep(0.05)
        return [str(process) for process in left]

    def signal_group(self, number: signal.Signals) -> None:
        """What Ctrl-C in a terminal does."""
        os.killpg(self.process.pid, number)

    def clear(self) -> None:
        for process in self.processes():
            process.kill()
        self.process.wait(PATIENCE_S)


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two short clips of the English corpus and its room tone: quick to load."""
    source = ROOT / "corpora/english"
    folder = tmp_path_factory.mktemp("corpus") / "tiny"
    (folder / "clips").mkdir(parents=True)
    manifest = json.loads((source / "manifest.json").read_text())
    kept = ("yes_rms", "sure_america", "room_tone")
    manifest["clips"] = [clip for clip in manifest["clips"] if clip["name"] in kept]
    for clip in manifest["clips"]:
        shutil.copy(source / clip["file"], folder / clip["file"])
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


@pytest.fixture(scope="session")
def scenario_text(corpus: Path) -> str:
    """Calls of two seconds: one short question, one short answer."""
    return SCENARIO.format(corpus=corpus)


@pytest.fixture(scope="session")
def scenario(scenario_text: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("scenario") / "brief.yaml"
    path.write_text(scenario_text)
    return path


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Running]]:
    """Start a command of the virtual environment; whatever a failed test leaves of it is ended."""
    started: list[Running] = []

    def start(*command: str | Path, **variables: str) -> Running:
        program, *arguments = map(str, command)
        folder = tmp_path_factory.mktemp(program)
        started.append(Running([str(BIN / program), *arguments], folder, variables))
        return started[-1]

    yield start
    for running in started:
        running.clear()


@pytest.fixture(scope="module")
def emulator_url(corpus: Path, start: Callable[..., Running]) -> str:
    """An emulator that serves the whole module."""
    settings = json.dumps({"response_delay": "50 ms", "replies": ["sure_america"]})
    arguments = ("--port", "0", "--announce", "--corpus", corpus, "--settings", settings)
    running = start("rtbench", "emulator", *arguments)
    running.until(lambda: "\n" in running.out, "the emulator's address")
    url: str = json.loads(running.out)["url"]
    return url


@pytest.fixture(scope="session")
def rows() -> Callable[[Path], dict[str, int]]:
    """How many rows the turns and the sessions of a run have on disk."""

    def count(run: Path) -> dict[str, int]:
        tables = {}
        for table in ("turns", "sessions"):
            final = [path for path in [run / f"{table}.parquet"] if path.is_file()]
            files = final or sorted((run / f"{table}.parts").glob("*.parquet"))
            tables[table] = sum(pq.read_metadata(path).num_rows for path in files)
        return tables

    return count
