"""A soak: sessions with rotation and random faults for a long time; memory, descriptors and tasks have to stay where they are.

    python tests/benchmarks/bench_soak.py [--minutes 30] [--users 100]

Runs `rtbench run` on a scenario of its own against an emulator of its own, and prints for both, of what they had at the
end of a warm-up third and at the end: memory and its slope, descriptors and tasks; and rows against sessions. Of the
emulator that is looked at from outside, once a second. Exit code 1 where descriptors or tasks are left over in the idle
emulator, or either of the two has grown in the engine by more than the callers explain.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import psutil

from rtbench.emulator.process import EmulatorProcess
from rtbench.results.reader import read_run

SCENARIO = """\
name: soak
corpus: english
session: {turn_detection: {type: server_vad, silence_duration_ms: 300}}
conversation:
  - repeat:
      times: 30
      steps:
        - say: {role: question}
        - listen
reconnect: {attempts: 8, base: 300 ms, jitter: 0.3, idle: 3 s, rotate_after: 45 s}
drops: {every: 20 s .. 90 s, how: [reset, half_open, close]}
"""

PROFILE = {
    "response_delay": "300 ms",
    "replies": ["reply_hours", "reply_order", "reply_yes"],
    "session_limit": "5 min",
    "faults": {
        "close": {"code": 1011, "when": "mid_answer", "rate": 0.01},
        "refusal": {"status": 503, "rate": 0.02},
        "response_failed": {"error": "server_error", "rate": 0.01},
        "invalid_json": 0.01,
    },
}


SLACK = 3
"""Descriptors and tasks that a moment may have more than another: an accepted connection, a timer under way."""


class Watch:
    """Looks at an emulator once a second, from a thread."""

    def __init__(self, emulator: EmulatorProcess) -> None:
        self._process = psutil.Process(emulator.pid)
        self._url = emulator.url.replace("/v1", "/healthz")
        self._since_s = time.monotonic()
        self._over = threading.Event()
        self.idle = self.look()
        self.looks = [self.idle]
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def look(self) -> dict[str, float]:
        """Now: seconds, memory, descriptors, tasks and sessions."""
        with urllib.request.urlopen(self._url, timeout=10) as answer:
            health = json.load(answer)
        memory_mb = self._process.memory_info().rss / 1e6
        seconds = time.monotonic() - self._since_s
        counts = {"files": self._process.num_fds(), "tasks": health["tasks"], "sessions": health["sessions"]}
        return {"s": seconds, "MB": memory_mb, **counts}

    def stop(self) -> None:
        """A last look, once the callers have gone."""
        self._over.set()
        self._thread.join()
        deadline = time.monotonic() + 10
        while (last := self.look())["sessions"] and time.monotonic() < deadline:
            time.sleep(0.2)
        self.looks.append(last)

    def _watch(self) -> None:
        while not self._over.wait(1):
            self.looks.append(self.look())


def told(name: str, looks: pd.DataFrame, users: int) -> Iterator[str]:
    """Print what one process had after a warm-up third and at the end of the load; what has grown beyond reason."""
    full = looks[looks["sessions"] >= users / 2].dropna()  # not while callers come or go home
    steady = full[full["s"] >= full["s"].min() + (full["s"].max() - full["s"].min()) / 3]
    if len(steady) < 3:
        yield f"{name}: too short to tell"
        return
    half = len(steady) // 2
    for column in ("MB", "files", "tasks"):
        values = steady[column].astype(float)
        slope = np.polyfit(steady["s"] / 60, values, 1)[0]
        first, second = values[:half].max(), values[half:].max()
        print(
            f"{name:9} {column:6} {values.iloc[0]:8.1f} -> {values.iloc[-1]:8.1f}, slope {slope:+.3f} a minute"
        )
        # Every caller may be between two connections: one that closes and one that opens.
        if column != "MB" and second > first + 2 * users + SLACK:
            yield f"{name}: at most {first:g} {column} in the first half after the warm-up, {second:g} in the second"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--users", type=int, default=100)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        scenario = Path(folder) / "soak.yaml"
        scenario.write_text(SCENARIO)
        command = [sys.executable, "-m", "rtbench", "run", str(scenario), "--out", folder]
        command += [
            "--users",
            str(args.users),
            "--spawn-rate",
            "20",
            "--duration",
            f"{args.minutes * 60:g} s",
        ]
        with EmulatorProcess(profile=PROFILE) as emulator:
            watch = Watch(emulator)
            code = subprocess.run([*command, "--target", emulator.url], check=False).returncode
            watch.stop()
        (directory,) = [path for path in Path(folder).iterdir() if path.is_dir()]
        run = read_run(directory)
    seconds = (run.generator["at_unix_ns"] - run.generator["at_unix_ns"].min()).astype(float) / 1e9
    memory = run.generator["rss_bytes"].astype(float) / 1e6
    sessions = run.sessions
    print(
        f"exit code {code}; {len(sessions):,} sessions, {len(run.turns):,} turns, {len(run.incidents):,} incidents"
    )
    print(
        f"outcomes {sessions['outcome'].value_counts().to_dict()}; incidents {run.incidents['outcome'].value_counts().to_dict()}"
    )
    engine = pd.DataFrame(
        {
            "s": seconds,
            "MB": memory,
            "files": run.generator["open_files"],
            "tasks": run.generator["tasks"],
            "sessions": run.generator["sessions"],
        }
    )
    looks = pd.DataFrame(watch.looks)
    leaks = [*told("engine", engine, args.users), *told("emulator", looks, args.users)]
    left = watch.looks[-1]
    print(
        f"emulator after the run: {left['sessions']} sessions, {left['files']} files, {left['tasks']} tasks"
    )
    if left["files"] > watch.idle["files"] + SLACK or left["tasks"] > watch.idle["tasks"] + SLACK:
        leaks.append(f"the idle emulator had {watch.idle['files']} files and {watch.idle['tasks']} tasks")
    lost, booked = int(sessions["turns_lost"].sum()), int(run.incidents["lost_turns"].sum())
    print(
        f"turns lost: {lost} by the sessions, {booked} by the incidents; errors {int(sessions['errors_per_session'].sum())}, mishaps {len(run.mishaps)}"
    )
    for sentence in leaks:
        print(f"BROKEN: {sentence}")
    return 1 if leaks else 0


if __name__ == "__main__":
    sys.exit(main())
