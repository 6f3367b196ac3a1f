"""A storm that kills every session at once: all recovered or accounted for, with sums that match to the row.

    python tests/benchmarks/bench_storm.py [--users 200] [--seconds 40] [--how reset] [--keep DIR]

Runs `rtbench run` on `scenarios/reconnect_storm.yaml` with all calls in its storm rather than half of them, and sets side
by side what sessions, incidents and the generator's own count say: breaks that were asked for and the incidents that came
of them, outcomes of incidents, turns that sessions and incidents have lost, sessions that were started and their rows.
Prints for each storm how many came back and the time to steady state, and of all the peak of tries per second.

Bounds: every sum agrees; the first storm meets every caller; every outage of a storm has ended in a session, been given up
or been cut off by the end; every break is found under its class. Exit code 1 where one is broken.
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from rtbench.analysis.outage_books import imbalances
from rtbench.analysis.reliability import Reliability, summarise_reliability
from rtbench.analysis.run_totals import RunTotals
from rtbench.core.errors import ExitCode
from rtbench.report.reliability import STORM_HEAD, reliability_counts, storm_rows
from rtbench.results.reader import Run, read_run

STORM = Path(__file__).parents[2] / "scenarios" / "reconnect_storm.yaml"
WRITTEN = "storm: {share: 50 %, at: 10 s, every: 15 s, how: reset}"
SPAWN_S = 5
"""All call well before the first storm."""


def of_all(how: str) -> str:
    """The scenario with all calls in its storm. Raises SystemExit where it is not as it was."""
    text = STORM.read_text(encoding="utf-8")
    if WRITTEN not in text:
        raise SystemExit(f"{STORM} has no line '{WRITTEN}'")
    return text.replace(WRITTEN, f"storm: {{share: 100 %, at: 10 s, every: 15 s, how: {how}}}")


def hold(args: argparse.Namespace, folder: Path) -> Run:
    """Run it by the command line. Raises SystemExit where it leaves nothing to read."""
    folder.mkdir(parents=True, exist_ok=True)
    scenario = folder / STORM.name
    scenario.write_text(of_all(args.how), encoding="utf-8")
    command = [sys.executable, "-m", "rtbench", "run", str(scenario), "--out", str(folder)]
    command += ["--users", str(args.users), "--spawn-rate", f"{max(1, args.users / SPAWN_S):g}"]
    command += ["--duration", f"{args.seconds} s"]
    print(shlex.join(command))
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode not in (ExitCode.PASS, ExitCode.THRESHOLD_FAILED, ExitCode.INVALID):
        raise SystemExit(f"exit code {ended.returncode}\n{ended.stdout}{ended.stderr}")
    return read_run(Path(ended.stdout.split()[-1]).parent)


def judged(run: Run, found: Reliability, users: int) -> Iterator[str]:
    """What is broken."""
    yield from imbalances(run)
    if lost := RunTotals.of(run).counts["rows_lost"]:
        yield f"{lost} rows lost"
    if not found.storms:
        yield "no storm was found"
    elif found.storms[0].outages != users:
        yield f"the first storm met {found.storms[0].outages} of {users} callers"
    for number, storm in enumerate(found.storms, 1):
        accounted = storm.came_back + storm.never_recovered + storm.cut_off
        if accounted != storm.outages:
            yield f"storm {number}: {storm.outages} outages, {accounted} accounted for"
    for each in found.injected:
        if each.found < each.injected:
            yield f"{each.kind} {each.setting}: {each.found} of {each.injected} found as {each.seen_as}"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--users", type=int, default=200)
    parser.add_argument("--seconds", type=int, default=40, help="of the run; storms come at 10 s and 25 s")
    parser.add_argument("--how", choices=("reset", "half_open", "close"), default="reset")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the run there")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        run = hold(args, args.keep or Path(scratch))
    found = summarise_reliability(run)
    if found is None:
        raise SystemExit("nothing was broken in this run")
    for row in storm_rows(found):
        print(", ".join(f"{name}: {cell}" for name, cell in zip(STORM_HEAD, row, strict=True)))
    print(f"incidents {found.incidents}; {'; '.join(reliability_counts(found))}")
    for each in found.injected:
        print(f"drop {each.setting}: {each.injected} broken, {each.found} found as {each.seen_as}")
    print(
        f"{len(run.sessions)} rows of sessions, {len(run.incidents)} of incidents, {len(run.turns)} of turns"
    )
    broken = list(judged(run, found, args.users))
    for sentence in broken:
        print(f"BROKEN: {sentence}")
    print(f"{'broken' if broken else 'balanced'}: {shlex.join(['python', *sys.argv])}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
