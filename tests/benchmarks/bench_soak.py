"""A soak: sessions with rotation and random faults for a long time; memory, descriptors and tasks have to stay where they are.

    python tests/benchmarks/bench_soak.py [--minutes 30] [--users 100]

Runs `rtbench run` on a scenario of its own against an emulator of its own. Of both it compares the two halves of the time
after a warm-up third, in which the same goes on: descriptors and tasks in the mean, and the slope of the memory in the
second half. Of the emulator that is looked at from outside, once a second. Exit code 1 where descriptors or tasks are
left over in the idle emulator, or anything has grown:

descriptors and tasks   by more than four standard errors of the difference, taken from the means of single minutes, as
                        callers who are between two connections come and go together: a leak of six tasks a
                        minute is found in 30 minutes at 100 users
memory                  by more than 0.4 MB a minute: what is kept of a call that is over, and about 50 a minute are at 100
                        users, may then take 8 kB, while a call under way takes hundreds, and one answer's audio a hundred
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

MOST_ERRORS = 4.0
"""By as many standard errors as that two equal halves differ by chance once in ten thousand times."""

MOST_MB_A_MINUTE = 0.4
SHORTEST_MIN = 4.0
"""Of the time after the warm-up; less has too few minutes to compare, and the allocator still settles."""


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


def told(name: str, looks: pd.DataFrame, users: int, calls_a_minute: float) -> Iterator[str]:
    """Print how the two halves of one process's time under load compare; what has grown beyond reason."""
    full = looks[looks["sessions"] >= users / 2].dropna()  # not while callers come or go home
    steady = full[full["s"] >= full["s"].min() + (full["s"].max() - full["s"].min()) / 3]
    if steady.empty or steady["s"].max() - steady["s"].min() < SHORTEST_MIN * 60:
        yield f"{name}: too short to tell, less than {SHORTEST_MIN:g} minutes after the warm-up"
        return
    middle_s = (steady["s"].min() + steady["s"].max()) / 2
    first, second = steady[steady["s"] < middle_s], steady[steady["s"] >= middle_s]
    for column in ("files", "tasks"):
        before, after = minutes(first, column), minutes(second, column)
        grown = after.mean() - before.mean()
        error = float(np.sqrt(before.var(ddof=1) / len(before) + after.var(ddof=1) / len(after)))
        most = SLACK + MOST_ERRORS * error
        print(f"{name:9} {column:6} {before.mean():8.1f}, then {after.mean():8.1f}, at most {most:+.1f}")
        if grown > most:
            yield f"{name}: {before.mean():.1f} {column} in the first half, {after.mean():.1f} in the second"
    memory = second["MB"].astype(float)
    slope = np.polyfit(second["s"] / 60, memory, 1)[0]
    each_kb = slope * 1e3 / calls_a_minute if calls_a_minute else float("nan")
    ends = f"{memory.iloc[0]:8.1f} -> {memory.iloc[-1]:8.1f}"
    print(f"{name:9} MB     {ends}, slope {slope:+.3f} a minute, {each_kb:+.1f} kB for each call")
    if slope > MOST_MB_A_MINUTE:
        yield f"{name}: memory grows by {slope:.2f} MB a minute"


def minutes(looks: pd.DataFrame, column: str) -> np.ndarray:
    """Means of single whole minutes: single seconds hang together."""
    numbers = (looks["s"] - looks["s"].min()) // 60
    whole = numbers < (looks["s"].max() - looks["s"].min()) // 60
    return looks[whole][column].astype(float).groupby(numbers[whole]).mean().to_numpy()


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
    calls_a_minute = len(sessions) / args.minutes
    leaks = [
        *told("engine", engine, args.users, calls_a_minute),
        *told("emulator", looks, args.users, calls_a_minute),
    ]
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
