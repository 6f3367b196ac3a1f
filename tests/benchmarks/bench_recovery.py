"""How true the recovery times are: `reconnect_ms` and `recovery_ms` against the emulator's own log, and the waits against the policy.

    python tests/benchmarks/bench_recovery.py [--users 20] [--seconds 60] [--keep DIR]

Three runs, in each of which the emulator breaks the connections of sessions: by TCP reset and by a clean close in the
middle of answers, and by restarts that keep everybody out for half a second. Its logs say when it broke each one, when
it sent `session.created` to the session that came after, and when the first audio of the next answer. Four minutes.

    true reconnect_ms  =  session.created sent - connection broken
    true recovery_ms   =  first audio sent + silence before its first audible sample + wait of our player - connection broken

Both processes read the same monotonic clock of one machine, so that instants may be subtracted here.

Bounds: the 99th percentile of the size of the error within 10 ms, and that of the lateness of every try to connect
within 20 ms of the policy's instant, worked out anew from the loss and the tries before; of fewer than the 299 values
that it needs, the largest takes its place. Exit code 1 where one is broken, or an outage is without its truth.
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from rtbench.analysis.measurement_error import measurement_error
from rtbench.core.errors import ExitCode
from rtbench.results.reader import Run, read_run

ERROR_BOUND_MS = 10.0
LATENESS_BOUND_MS = 20.0
P99_NEEDS = 299
"""ln(0.05) / ln(0.99)"""

VOID_BOUND = 0.05
"""Of the turns, as for the verdict of a run."""

BASE_MS, FACTOR = 200.0, 2.0
CUTS = {
    "reset": "faults: {reset: {when: mid_answer, rate: 0.3}}",
    "clean close": "faults: {close: {code: 1000, when: mid_answer, rate: 0.3}}",
    "restart": "restart: {at: 5 s, every: 3 s, lasts: 500 ms}",
}
"""By name, how the emulator's profile says it."""

SCENARIO = """\
name: recovery
session: {{turn_detection: {{type: server_vad, silence_duration_ms: 200}}}}
conversation:
  - repeat:
      times: 500
      steps:
        - say: {{any_of: [no_kal16, yes_rms, okay_awb, sure_america, right_scotland, uh_huh_rms]}}
        - listen
reconnect: {{attempts: 8, base: {base_ms:g} ms, factor: {factor:g}}}
users: {users}
spawn_rate: 20
duration: {seconds} s
think_time: 20 ms .. 100 ms
emulator:
  response_delay: 100 ms
  leading_silence: 50 ms
  replies: [right_scotland]
  {cut}
"""


def hold(name: str, users: int, seconds: int, folder: Path) -> Run:
    """Run it by the command line. Raises SystemExit where it leaves nothing to read."""
    place = folder / name.replace(" ", "-")
    place.mkdir(parents=True)
    scenario = place / "recovery.yaml"
    text = SCENARIO.format(base_ms=BASE_MS, factor=FACTOR, users=users, seconds=seconds, cut=CUTS[name])
    scenario.write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "rtbench", "run", str(scenario), "--out", str(place)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode not in (ExitCode.PASS, ExitCode.INVALID):
        raise SystemExit(f"{shlex.join(command)}: exit code {ended.returncode}\n{ended.stdout}{ended.stderr}")
    return read_run(Path(ended.stdout.split()[-1]).parent)


def with_recovery_truth(run: Run) -> pd.DataFrame:
    """Outages that gave a session again, with `reconnect_error` and `recovery_error` (measured minus true, ms; NaN without a truth)."""
    of_drops = run.incidents["kind"].eq("drop") & run.incidents["outcome"].eq("recovered")
    back = run.incidents[of_drops].reset_index(drop=True)
    broken = run.faults.drop_duplicates("session_id").set_index("session_id")["at_ns"]
    began = run.truth.drop_duplicates("session_id").set_index("session_id")["session_created_sent_ns"]
    heard = run.turns[run.turns["audible_ns"].notna()].merge(
        run.truth[["session_id", "response_id", "first_audio_sent_ns", "audible_offset_ms"]],
        on=["session_id", "response_id"],
    )
    heard_at = (
        heard["first_audio_sent_ns"].astype(float) / 1e6
        + heard["audible_offset_ms"].astype(float)
        + heard["playout_wait_ms"].astype(float)
    )
    answers = pd.Series(
        heard_at.to_numpy(), index=pd.MultiIndex.from_frame(heard[["session_id", "audible_ns"]].astype(str))
    )
    broken_ms = back["session_before"].map(broken).astype(float) / 1e6
    created_ms = back["session_after"].map(began).astype(float) / 1e6
    next_answer = pd.MultiIndex.from_frame(back[["session_after", "audible_ns"]].astype(str))
    return back.assign(
        reconnect_error=back["reconnect_ms"] - (created_ms - broken_ms),
        recovery_error=back["recovery_ms"] - (answers.reindex(next_answer).to_numpy() - broken_ms),
    )


def lateness_ms(attempts: str, noticed_ns: int) -> Iterator[float]:
    """How late each try of one outage began, against the policy: so long after the loss, or after the try before it."""
    since_ns = noticed_ns
    for number, attempt in enumerate(json.loads(attempts)):
        yield (attempt["begun_ns"] - since_ns) / 1e6 - BASE_MS * FACTOR**number
        since_ns = attempt["over_ns"]


def told(name: str, errors: pd.Series, bound_ms: float) -> Iterator[str]:
    """Print one line of the table; what is broken in it."""
    found = measurement_error(errors)
    if found is None:
        yield f"{name}: no value"
        return
    p99 = found.p99_abs_ms if found.n >= P99_NEEDS else found.max_abs_ms
    print(
        f"{name:28} {found.n:6,} {found.mean_ms:8.2f} {found.p50_ms:8.2f} {p99:8.2f} {found.max_abs_ms:8.2f}"
    )
    if p99 > bound_ms:
        yield f"{name}: p99 {p99:.2f} ms, bound {bound_ms:g} ms"


def judged(name: str, run: Run, late: list[float]) -> Iterator[str]:
    """Print what one run has shown; what is broken in it."""
    back = with_recovery_truth(run)
    for metric in ("reconnect", "recovery"):
        measured = back[f"{metric}_ms"].notna()
        without = int((measured & back[f"{metric}_error"].isna()).sum())
        if without:
            yield f"{name}, {metric}_ms: {without} of {int(measured.sum())} without a truth"
        yield from told(f"{name}, {metric}_ms", back[f"{metric}_error"], ERROR_BOUND_MS)
    drops = run.incidents[run.incidents["kind"].eq("drop")]
    waits = [
        one
        for attempts, noticed_ns in zip(drops["attempts"], drops["noticed_ns"], strict=True)
        for one in lateness_ms(attempts, int(noticed_ns))
    ]
    late += waits
    yield from told(f"{name}, tries", pd.Series(waits, dtype=float), LATENESS_BOUND_MS)
    ends = drops["outcome"].value_counts().to_dict()
    print(
        f"  {len(run.faults)} connections broken, {len(drops)} outages {ends}, of those that came back "
        f"{int(back['recovery_ms'].isna().sum())} without a next answer"
    )
    void = int(run.turns["void"].sum())
    if void > VOID_BOUND * len(run.turns):
        yield f"{name}: {void} of {len(run.turns)} turns are void, so the machine was too busy to measure on"
    if len(run.faults) < len(drops):
        yield f"{name}: {len(drops)} outages of {len(run.faults)} broken connections"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--users", type=int, default=20)
    parser.add_argument("--seconds", type=int, default=60, help="of each run")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the runs there")
    args = parser.parse_args()
    broken: list[str] = []
    late: list[float] = []
    print(f"{'measured minus true, ms':28} {'n':>6} {'mean':>8} {'p50':>8} {'|p99|':>8} {'|max|':>8}")
    with tempfile.TemporaryDirectory() as scratch:
        for name in CUTS:
            run = hold(name, args.users, args.seconds, args.keep or Path(scratch))
            broken += judged(name, run, late)
    broken += told("all tries", pd.Series(np.array(late)), LATENESS_BOUND_MS)
    for sentence in broken:
        print(f"BROKEN: {sentence}")
    print(f"{'broken' if broken else 'within bounds'}: {shlex.join(['python', *sys.argv])}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
