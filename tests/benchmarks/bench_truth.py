"""How true the headline is: `voice_to_voice_ms` against the emulator's own account of what it did.

    python tests/benchmarks/bench_truth.py [--transport webrtc] [--turns-alone 160] [--turns-together 90] [--keep DIR]

Injected response delays x leading silences x silences that end a turn, at 1 and at 50 sessions. Every
answer draws its delay and its leading silence, and the emulator's log says what was drawn, so that one
run holds all cells of one turn detection and one number of sessions. The two runs of a single session are held
side by side, each with an emulator of its own, those of 50 one after the other. Quarter of an hour.

Bounds: the mean error within 1 ms of 0, judged in every cell of ten turns or more and over all of them; and the
99th percentile of its size within 5 ms, told and judged where there are the 299 turns that it needs: cell by
cell at 50 sessions, over all cells at 1 session. Exit code 1 where one is broken, a cell is empty, a turn is
missing, or more than 1% are void.

With `--transport webrtc` the same over RTP, at 1 and at 20 sessions: the mean within 5 ms, the 99th percentile
within 25 ms, a packet and a little. A short run before, of a single session, is the calibration: its mean error
(codec, packets, loopback) is printed, and taken off the errors that are judged.

Both processes read the same monotonic clock of one machine, so that the error can be split here, as a run
against a service elsewhere cannot: from the instant at which the frame that ended the turn was due to the
emulator's having it, and from the emulator's sending of the first audio to our having it.
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from rtbench.analysis.quantiles import rank_of
from rtbench.report.build import load_run

DELAYS_MS = (0, 50, 200, 800, 2000)
LEADING_SILENCES_MS = (0, 100, 400)
VAD_SILENCES_MS = (200, 500)


@dataclass(frozen=True)
class Demand:
    """What is asked of one transport."""

    together: int
    """Sessions at the same time."""

    mean_ms: float
    p99_ms: float


DEMANDS = {"websocket": Demand(50, 1.0, 5.0), "webrtc": Demand(20, 5.0, 25.0)}
CALIBRATION_TURNS = 40
MEAN_NEEDS, P99_NEEDS = 10, 299
"""Turns; the latter is ln(0.05) / ln(0.99)."""

VOID_BOUND = 0.01
CELL = ["delay", "lead"]
PARTS = {
    "there": "frame due -> emulator has it",
    "back": "emulator sent -> we have it",
    "slack": "emulator's own lateness, in its log and so no error",
}

# Short words and a short reply: a turn takes two seconds. Speech ends at another place in its frame in each clip.
SCENARIO = """\
name: truth
transport: {transport}
session:
  turn_detection: {{type: server_vad, silence_duration_ms: {vad_ms}}}
conversation:
  - repeat:
      times: {turns}
      steps:
        - say: {{any_of: [no_kal16, yes_rms, okay_awb, sure_america, right_scotland, uh_huh_rms]}}
        - listen
users: {sessions}
spawn_rate: 25
think_time: 20 ms .. 100 ms
emulator:
  response_delay: {{empirical: [{delays}]}}
  leading_silence: {{empirical: [{leads}]}}
  replies: [right_scotland]
  pace: 4x
"""


@dataclass(frozen=True)
class Setting:
    """What one run holds constant."""

    transport: str
    vad_ms: int
    sessions: int
    turns: int
    """Of each session."""

    @property
    def name(self) -> str:
        return f"{self.sessions:2} x VAD {self.vad_ms}"

    @property
    def scenario(self) -> str:
        return SCENARIO.format(
            transport=self.transport,
            vad_ms=self.vad_ms,
            turns=self.turns,
            sessions=self.sessions,
            delays=", ".join(f"{ms} ms" for ms in DELAYS_MS),
            leads=", ".join(f"{ms} ms" for ms in LEADING_SILENCES_MS),
        )


def hold(setting: Setting, folder: Path) -> Path:
    """Run it by the command line; the run's directory. Raises SystemExit where it fails."""
    folder.mkdir(parents=True, exist_ok=True)
    of = f"{setting.transport}-vad{setting.vad_ms}-sessions{setting.sessions}-"
    place = Path(tempfile.mkdtemp(prefix=of, dir=folder))
    scenario = place / "truth.yaml"
    scenario.write_text(setting.scenario, encoding="utf-8")
    command = [sys.executable, "-m", "rtbench", "run", str(scenario), "--out", str(place)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise SystemExit(f"{shlex.join(command)}: exit code {ended.returncode}\n{ended.stdout}{ended.stderr}")
    return Path(ended.stdout.split()[-1]).parent


def measured(directory: Path, calibration_ms: float) -> pd.DataFrame:
    """One row per turn: cell, `error`, `void`, and the parts of the error, all in milliseconds."""
    run = load_run(directory)
    truth = run.truth.rename(columns={"response_delay_drawn_ms": "delay", "leading_silence_ms": "lead"})
    columns = [*CELL, "endpoint_received_ns", "first_audio_sent_ns", "endpoint_sample", "input_rate_hz"]
    keys = ["session_id", "response_id"]
    turns = run.turns.merge(truth[keys + columns], how="left", on=keys, validate="one_to_one")
    endpoint_s = (turns["endpoint_sample"] - turns["speech_end_sample"]) / turns["input_rate_hz"]
    due_ns = turns["user_speech_end_ns"] + endpoint_s * 1e9
    applied_ms = (turns["first_audio_sent_ns"] - turns["endpoint_received_ns"]) / 1e6
    table = pd.DataFrame(
        {
            "void": turns["void"],
            "error": turns["voice_to_voice_error_ms"] - calibration_ms,
            "raw_error": turns["voice_to_voice_error_ms"],
            "there": (turns["endpoint_received_ns"] - due_ns) / 1e6,
            "back": (turns["first_audio_ns"] - turns["first_audio_sent_ns"]) / 1e6,
            "slack": applied_ms - turns["delay"],
            "at_s": (turns["at_unix_ns"] - turns["at_unix_ns"].min()) / 1e9,
            **{name: turns[name] for name in CELL},
        }
    )
    return table.astype({name: float for name in table.columns if name != "void"})


def percentile(values: pd.Series, quantile: float) -> float:
    """By nearest rank."""
    ordered = np.sort(values.to_numpy())
    return float(ordered[rank_of(quantile, len(ordered))])


def told(name: str, errors: pd.Series, demand: Demand) -> Iterator[str]:
    """Print one line of the table; the bounds that it breaks."""
    n, mean, size = len(errors), errors.mean(), errors.abs()
    enough = n >= P99_NEEDS
    p99 = percentile(size, 0.99) if enough else None
    print(
        f"{name:34} {n:6,} {mean:7.2f} {percentile(errors, 0.5):7.2f} "
        f"{'n/a' if p99 is None else f'{p99:.2f}':>7} {size.max():7.2f}"
    )
    if n >= MEAN_NEEDS and abs(mean) > demand.mean_ms:
        yield f"{name}: mean {mean:.2f} ms, bound {demand.mean_ms:g} ms"
    if p99 is not None and p99 > demand.p99_ms:
        yield f"{name}: p99 {p99:.2f} ms, bound {demand.p99_ms:g} ms"


def judged(setting: Setting, turns: pd.DataFrame, demand: Demand) -> Iterator[str]:
    """Print the cells of one run; what is broken in it."""
    expected = setting.sessions * setting.turns
    known = turns[~turns["void"]].dropna(subset=["error", *CELL])
    void = int(turns["void"].sum())
    if len(known) + void != expected or void > VOID_BOUND * expected:
        yield f"{setting.name}: {len(known)} turns with a truth and {void} void ones of {expected}"
    cells = {cell: group["error"] for cell, group in known.groupby(CELL)}
    for delay in DELAYS_MS:
        for lead in LEADING_SILENCES_MS:
            name = f"{setting.name}, delay {delay:4}, lead {lead:3}"
            if (delay, lead) in cells:
                yield from told(name, cells[delay, lead], demand)
            else:
                yield f"{name}: no turn"


def explain(turns: pd.DataFrame) -> None:
    """Print where the error comes from, and the worst turns."""
    for part, meaning in PARTS.items():
        values = turns[part].dropna()
        print(
            f"  {part:6} mean {values.mean():6.2f}  p50 {percentile(values, 0.5):6.2f}  "
            f"p99 {percentile(values, 0.99):6.2f}  max {values.max():6.2f}   {meaning}"
        )
    known = turns.dropna(subset=["error"])
    rest = (known["raw_error"] - known["there"] - known["back"]).abs().max()
    print(f"  rest of the error, at most {rest:.6f}")
    worst = known.loc[known["error"].abs().nlargest(3).index]
    for _, turn in worst.iterrows():
        print(
            f"  worst: {turn['error']:.2f} at {turn['at_s']:.1f} s = {turn['there']:.2f} there + {turn['back']:.2f} back"
        )


def describe(directory: Path) -> None:
    """Print how the generator was while it ran."""
    summary = json.loads((directory / "summary.json").read_text(encoding="utf-8"))
    health, verdict = summary["generator"], summary["verdict"]["level"]
    print(
        f"  generator: {verdict}, send lateness p99 {health['send_lateness_p99_ms']:.2f}, "
        f"largest loop lag {health['loop_lag_max_ms']:.2f}"
    )


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measured against true voice-to-voice latency.")
    parser.add_argument("--transport", choices=list(DEMANDS), default="websocket")
    parser.add_argument("--turns-alone", type=int, default=160, help="turns of the single session, per VAD")
    parser.add_argument(
        "--turns-together", type=int, default=90, help="turns of each of 50 (20) sessions, per VAD"
    )
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the runs there")
    return parser.parse_args()


def calibrate(transport: str, folder: Path) -> float:
    """Mean error of a single quiet session over RTP, which belongs to the codec and the packets; printed."""
    if transport == "websocket":
        return 0.0
    turns = measured(hold(Setting(transport, VAD_SILENCES_MS[0], 1, CALIBRATION_TURNS), folder), 0.0)
    errors = turns.loc[~turns["void"], "error"].dropna()
    print(f"calibration: {errors.mean():+.2f} ms, the mean error of {len(errors)} turns of one session")
    return float(errors.mean())


def main() -> int:
    args = arguments()
    demand = DEMANDS[args.transport]
    broken: list[str] = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = args.keep or Path(scratch)
        calibration_ms = calibrate(args.transport, folder)
        for sessions, turns_each in ((1, args.turns_alone), (demand.together, args.turns_together)):
            print(
                f"\n{'measured minus true, ms':34} {'n':>6} {'mean':>7} {'p50':>7} {'|p99|':>7} {'|max|':>7}"
            )
            settings = [Setting(args.transport, vad_ms, sessions, turns_each) for vad_ms in VAD_SILENCES_MS]
            with ThreadPoolExecutor(1 if sessions > 1 else len(settings)) as pool:
                directories = list(pool.map(hold, settings, [folder] * len(settings)))
            tables = []
            for setting, directory in zip(settings, directories, strict=True):
                tables.append(measured(directory, calibration_ms))
                broken += judged(setting, tables[-1], demand)
                describe(directory)
            turns = pd.concat(tables, ignore_index=True)
            broken += told(f"{sessions:2} x all cells", turns.loc[~turns["void"], "error"].dropna(), demand)
            explain(turns)
    for sentence in broken:
        print(f"BROKEN: {sentence}")
    print(f"\n{'broken' if broken else 'within bounds'}: {shlex.join(['python', *sys.argv])}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
