"""A soak: sessions with rotation and random faults for a long time; memory, descriptors and tasks have to stay where they are.

    python tests/benchmarks/bench_soak.py [--minutes 30] [--users 100]

Runs `rtbench run` on a scenario of its own and reads the run's generator rows: the slope of the
engine's memory over the second half, rows against sessions, and what is left open at the end.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

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
emulator:
  response_delay: 300 ms
  replies: [reply_hours, reply_order, reply_yes]
  session_limit: 5 min
  faults:
    close: {code: 1011, when: mid_answer, rate: 0.01}
    refusal: {status: 503, rate: 0.02}
    response_failed: {error: server_error, rate: 0.01}
    invalid_json: 0.01
"""


def main() -> None:
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
        code = subprocess.run(command, check=False).returncode
        (directory,) = [path for path in Path(folder).iterdir() if path.is_dir()]
        run = read_run(directory)
    seconds = (run.generator["at_unix_ns"] - run.generator["at_unix_ns"].min()).astype(float) / 1e9
    memory = run.generator["rss_bytes"].astype(float) / 1e6
    late = seconds >= seconds.max() / 2
    slope = np.polyfit(seconds[late] / 60, memory[late], 1)[0] if late.sum() > 2 else float("nan")
    sessions = run.sessions
    print(
        f"exit code {code}; {len(sessions):,} sessions, {len(run.turns):,} turns, {len(run.incidents):,} incidents"
    )
    print(
        f"outcomes {sessions['outcome'].value_counts().to_dict()}; incidents {run.incidents['outcome'].value_counts().to_dict()}"
    )
    print(
        f"memory {memory.iloc[0]:.0f} -> {memory.iloc[-1]:.0f} MB, slope of the second half {slope:+.3f} MB/min"
    )
    lost, booked = int(sessions["turns_lost"].sum()), int(run.incidents["lost_turns"].sum())
    print(
        f"turns lost: {lost} by the sessions, {booked} by the incidents; errors {int(sessions['errors_per_session'].sum())}, mishaps {len(run.mishaps)}"
    )


if __name__ == "__main__":
    main()
