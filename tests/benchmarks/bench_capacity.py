"""Capacity against the emulator's known knee: three kinds of limit, each by callers and by calls per second.

    python tests/benchmarks/bench_capacity.py [--only slow_down|sessions|slots] [--keep DIR]

The knee is worked out beforehand, from the profile alone for callers; for calls per second by Little's
law with the mean length of a call, which is measured. Calls come evenly apart: those that come
independently of each other scatter so much that an answer to 10 % takes an hour, and are tested in virtual
time. Bounds: the capacity within 10 % of the knee, and the SLO that breaks first named rightly. Both
searches of a setting run at the same time; about two minutes each. Exit code 1 where a bound is broken.
"""

import argparse
import json
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from rtbench.analysis.erlang import engset
from rtbench.results.reader import read_run

BOUND = 0.10

SCENARIO = """\
name: {name}
session:
  turn_detection: {{type: server_vad, silence_duration_ms: 200}}
conversation:
  - say: yes_rms
  - listen
think_time: 0 ms
between_calls: {between} ms
answer_timeout: 5 s
emulator:
  response_delay: 200 ms
  pace: 4x
  replies: [sure_america]
  capacity: {capacity}
"""

BASE_MS = 200 + 35 + 200 + 97
"""Voice to voice without load, p95: silence of the turn detection, its frame, response delay, leading silence."""

LIMIT_MS = 800.0
ANSWERED = 0.95


@dataclass(frozen=True)
class Case:
    """A kind of limit, and where it shows."""

    name: str
    capacity: str
    slos: tuple[str, ...]
    first_to_break: str
    callers: Callable[[float], float]
    """The knee by the mean length of a call in seconds: callers at a time."""

    calls_alive: Callable[[float], float]
    """The same: calls under way, in an open load."""

    between_calls_ms: int
    span: tuple[int, int]
    """First and highest load tried, in callers."""


def most_callers(places: int, call_s: float) -> float:
    """The most callers of whose calls Engset's formula has at most 5 % refused."""
    idle_load, callers = call_s / 0.2, places
    while engset(callers + 1, places, idle_load) <= 1 - ANSWERED:
        callers += 1
    return callers


CASES = (
    Case(
        "slow_down",
        "{slow_down: {above: 20, per_session: 15 ms}}",
        (
            f"voice_to_voice_ms:p95<{LIMIT_MS:g}",
            "response_rate:rate>=0.95",
            "session_success_rate:rate>=0.95",
        ),
        "voice_to_voice_ms p95",
        lambda call_s: 20 + (LIMIT_MS - BASE_MS) / 15,
        lambda call_s: 20 + (LIMIT_MS - BASE_MS) / 15,
        0,
        (22, 70),
    ),
    Case(
        "sessions",
        "{sessions: 30, refusal: 503}",
        (
            f"voice_to_voice_ms:p95<{LIMIT_MS:g}",
            "response_rate:rate>=0.95",
            "session_success_rate:rate>=0.95",
        ),
        "session_success_rate rate",
        lambda call_s: most_callers(30, call_s),
        lambda call_s: 30 / ANSWERED,
        200,  # those who are refused do not call again at once
        (18, 60),
    ),
    Case(
        "slots",
        "{slots: 8, queue: 40, hold: 1 s}",
        (f"voice_to_voice_ms:p50<{LIMIT_MS:g}", "response_rate:rate>=0.95"),
        "voice_to_voice_ms p50",
        # Every caller needs a slot for 1 s in each call, the wait that is allowed included.
        lambda call_s: 8 * call_s / 1.0,
        lambda call_s: 8 * call_s / 1.0,
        0,
        (9, 36),
    ),
)


def start(case: Case, folder: Path, *, open_load: bool) -> subprocess.Popen[str]:
    """Begin a search."""
    out = folder / ("open" if open_load else "closed")
    out.mkdir(parents=True)
    scenario = out / "scenario.yaml"
    scenario.write_text(
        SCENARIO.format(name=case.name, between=case.between_calls_ms, capacity=case.capacity),
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "rtbench", "capacity", str(scenario), "--out", str(out)]
    for slo in case.slos:
        command += ["--slo", slo]
    first, most = case.span
    if open_load:
        command += ["--open", "--arrivals", "constant", "--from", f"{first / 2:g}", "--to", f"{most / 1.5:g}"]
        command += ["--cap", "200"]
    else:
        command += ["--from", str(first), "--to", str(most)]
    command += ["--samples", "1", "--hold", "6 s", "--settle", "3 s", "--repeats", "1"]
    command += ["--tolerant", "--no-reference"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def call_length_s(found: dict[str, object], directory: Path) -> float:
    """The mean length of the calls that were asked for while the answer was held, or of all where there was none."""
    (run,) = (path.parent for path in directory.glob("*/run.json"))
    sessions = read_run(run).sessions
    sessions = sessions[sessions["outcome"].eq("completed")]
    soaks = [step for step in found["steps"] if step["phase"] == "soak"]  # type: ignore[attr-defined]
    if soaks:
        since = soaks[-1]["started_unix_ns"]
        held = sessions[sessions["at_unix_ns"].between(since, since + soaks[-1]["seconds"] * 1e9)]
        sessions = held if len(held) > 5 else sessions
    return float(pd.to_numeric(sessions["ended_ns"] - sessions["planned_ns"]).mean() / 1e9)


def judge(case: Case, search: subprocess.Popen[str], folder: Path, *, open_load: bool) -> list[str]:
    """Print what a search found, against what was worked out; the bounds that it breaks."""
    _, errors = search.communicate(timeout=600)
    kind = "open" if open_load else "closed"
    label = f"{case.name}, {kind}"
    written = list((folder / kind).glob("*/capacity.json"))
    if not written:
        return [f"{label}: no answer: {errors.strip().splitlines()[-1:]}"]
    found = json.loads(written[0].read_text(encoding="utf-8"))
    level = found["capacity"]["level"]
    if found["capacity"]["ending"] != "edge":
        return [f"{label}: {found['sentence']}"]
    call_s = call_length_s(found, written[0].parent)
    known = case.calls_alive(call_s) / call_s if open_load else case.callers(call_s)
    error = level / known - 1
    first = found["first_to_break"]["slo"]
    print(
        f"{label:18} {level:8.3g} {found['unit']:17} known {known:6.3g}  {error:+6.1%}  "
        f"{len(found['steps'])} steps  first to break: {first}"
    )
    broken = []
    if abs(error) > BOUND:
        broken.append(f"{label}: {error:+.1%} from the knee")
    if not first.startswith(case.first_to_break):
        broken.append(f"{label}: {first} broke first, not {case.first_to_break}")
    return broken


def main() -> int:
    parser = argparse.ArgumentParser(description="Capacity against a known knee.")
    parser.add_argument("--only", choices=[case.name for case in CASES])
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the searches there")
    args = parser.parse_args()
    broken = []
    with tempfile.TemporaryDirectory() as scratch:
        for case in CASES:
            if args.only in (None, case.name):
                folder = (args.keep or Path(scratch)) / case.name
                searches = {kind: start(case, folder, open_load=kind) for kind in (False, True)}
                for kind, search in searches.items():
                    broken += judge(case, search, folder, open_load=kind)
    for sentence in broken:
        print(f"BROKEN: {sentence}")
    print(f"{'broken' if broken else 'within bounds'}: {shlex.join(['python', *sys.argv])}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
