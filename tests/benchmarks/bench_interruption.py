"""How true the turn-taking measures are: interruptions against the emulator's own account of them.

    python tests/benchmarks/bench_interruption.py [--sessions 50] [--interruptions 7] [--keep DIR]

Injected cancel delays (0, 100, 500 ms), stale audio (0, 200 ms) and detection delays (0, 150 ms): every
interruption draws its own, and the log says what was applied. Bounds: the 99th percentile of the error's
size within 10 ms for detection, the server's stop and the truncation (against what the virtual player
played), at 50 sessions. Exit code 1 where one is broken or fewer than 299 interruptions were had.
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd

from rtbench.analysis.quantiles import rank_of
from rtbench.report.build import load_run

BOUND_MS = 10.0
NEEDED = 299
"""ln(0.05) / ln(0.99): fewer have no 99th percentile."""

MEASURES = (
    "barge_in_detect_error_ms",
    "barge_in_server_stop_error_ms",
    "stale_audio_error_ms",
    "truncation_error_ms",
)

SCENARIO = """\
name: interruption_truth
session:
  turn_detection: {{type: server_vad, silence_duration_ms: 300}}
conversation:
  - say: {{any_of: [yes_rms, okay_awb, right_scotland]}}
  - repeat:
      times: {interruptions}
      steps:
        - interrupt: {{role: interruption, heard: 800 ms .. 2 s}}
  - listen
users: {sessions}
spawn_rate: 25
think_time: 20 ms .. 100 ms
emulator:
  response_delay: 100 ms
  replies: [reply_long]  # 20 s: there is always something left to stop
  pace: 2x
  faults:
    late_cancel: {{empirical: [0 ms, 100 ms, 500 ms]}}
    stale_audio: {{empirical: [0 ms, 200 ms]}}
    detection_delay: {{empirical: [0 ms, 150 ms]}}
"""


def hold(sessions: int, interruptions: int, folder: Path) -> Path:
    """Run it by the command line; the run's directory. Raises SystemExit where it fails."""
    scenario = folder / "interruption_truth.yaml"
    scenario.write_text(SCENARIO.format(sessions=sessions, interruptions=interruptions), encoding="utf-8")
    command = [sys.executable, "-m", "rtbench", "run", str(scenario), "--out", str(folder)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise SystemExit(f"{shlex.join(command)}: exit code {ended.returncode}\n{ended.stdout}{ended.stderr}")
    return Path(ended.stdout.split()[-1]).parent


def with_stale_truth(stimuli: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """`stimuli` with the error of the stale audio, against what the emulator truly sent after its cancellation."""
    keys = ["session_id", "response_id"]
    sent = truth[[*keys, "stale_audio_ms"]].rename(columns={"stale_audio_ms": "true_stale_ms"})
    joined = stimuli.merge(sent.drop_duplicates(keys), how="left", on=keys)
    return joined.assign(
        stale_audio_error_ms=joined["stale_audio_ms"].astype(float) - joined["true_stale_ms"]
    )


def told(name: str, errors: pd.Series) -> str:
    """Print one line of the table; what is broken in it, empty where nothing is."""
    size = errors.abs().sort_values().reset_index(drop=True)
    if len(size) < NEEDED:
        return f"{name}: {len(size)} interruptions of {NEEDED}"
    p50, p99 = (float(size[rank_of(quantile, len(size))]) for quantile in (0.5, 0.99))
    print(f"{name:32} {len(size):6,} {errors.mean():8.2f} {p50:8.2f} {p99:8.2f} {size.max():8.2f}")
    return "" if p99 <= BOUND_MS else f"{name}: p99 {p99:.2f} ms, bound {BOUND_MS:g} ms"


def main() -> int:
    parser = argparse.ArgumentParser(description="Measured against true interruption times.")
    parser.add_argument("--sessions", type=int, default=50)
    parser.add_argument("--interruptions", type=int, default=7, help="interruptions in each session")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the run there")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = args.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        run = load_run(hold(args.sessions, args.interruptions, folder))
    stimuli = with_stale_truth(run.stimuli[~run.stimuli["void"].astype(bool)], run.truth)
    print(f"{len(run.stimuli)} interruptions, {len(run.stimuli) - len(stimuli)} void")
    print(f"{'measured minus true, ms':32} {'n':>6} {'mean':>8} {'|p50|':>8} {'|p99|':>8} {'|max|':>8}")
    broken = [sentence for name in MEASURES if (sentence := told(name, stimuli[name].dropna().astype(float)))]
    for sentence in broken:
        print(f"BROKEN: {sentence}")
    print(f"\n{'broken' if broken else 'within bounds'}: {shlex.join(['python', *sys.argv])}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
