"""Many conversations at once on one core: send lateness, lost rows, and processor time per session-minute.

    python tests/benchmarks/bench_sessions.py [--sessions 300] [--seconds 120] [--keep DIR]
    python tests/benchmarks/bench_sessions.py --transport webrtc --sessions 60 --seconds 60

Callers with 40 ms frames (Opus packets of 20 ms over WebRTC), who talk for about a third of the time and listen
for half of it. The emulator has the last core of this process's for itself (`sched_setaffinity`), engine and
controller share the first. Processor time is taken from when all callers are there to when the time is up, so
that neither start nor report is in it; memory is the engine's at both ends of that time. Bounds: verdict VALID,
send lateness p99 below 5 ms, no row lost. Exit code 1 where one is broken; loop lag and the time that a
hypervisor took away (steal) tell whether the machine was to blame.
"""

import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import psutil

from rtbench.emulator.process import EmulatorProcess

SPAWN_RATE = {"websocket": 50, "webrtc": 20}
"""New callers per second: a call over WebRTC takes some 5 ms of processor time to set up, at either end."""

LATENESS_BOUND_MS = 5.0
START_TIMEOUT_S = 60.0
REPORT_TIMEOUT_S = 180.0
"""From the end of the measurement on: the last turns, and the report."""

TURN_S = 5
"""No turn is shorter, so that nobody has said everything before the time is up."""

SCENARIO = """\
name: sessions
session:
  turn_detection: {{type: server_vad, silence_duration_ms: 300}}
conversation:
  - repeat:
      times: {turns}
      steps:
        - say: {{role: question}}
        - listen
users: {sessions}
spawn_rate: {spawn_rate}
{way}
think_time: 300 ms .. 900 ms
"""
WAYS = {"websocket": "frame: 40 ms", "webrtc": "transport: webrtc\ncodec: opus"}
PROFILE = {
    "response_delay": {"lognormal": {"median": "300 ms", "p95": "700 ms"}},
    "leading_silence": "60 ms",
}


class Usage(NamedTuple):
    """Processor seconds so far."""

    engine: float
    emulator: float
    controller: float

    @classmethod
    def of(cls, *processes: psutil.Process) -> "Usage":
        return cls(*(sum(process.cpu_times()[:2]) for process in processes))


def cores() -> tuple[set[int], set[int]]:
    """For engine and controller, and for the emulator."""
    mine = sorted(os.sched_getaffinity(0))
    return {mine[0]}, {mine[-1]}


def engine_of(run: psutil.Process) -> psutil.Process:
    """The engine that the run started. Raises SystemExit where there is none in time."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and run.is_running():
        for child in run.children(recursive=True):
            if "rtbench.engine" in child.cmdline():
                return child
        time.sleep(0.05)
    raise SystemExit("the run started no engine")


class Held(NamedTuple):
    """A run that is over, and what was used while all called."""

    directory: Path
    used: Usage
    seconds: float
    engine_bytes: tuple[int, int]
    """Resident, at the beginning of that time and at its end."""


def hold(emulator: EmulatorProcess, args: argparse.Namespace, folder: Path) -> Held:
    """Hold the run, and measure while all call."""
    ours, _ = cores()
    spawn_rate = SPAWN_RATE[args.transport]
    ramp_s = args.sessions / spawn_rate
    scenario = folder / "sessions.yaml"
    turns = -(-(args.seconds + ramp_s) // TURN_S)
    written = SCENARIO.format(
        sessions=args.sessions, spawn_rate=spawn_rate, turns=int(turns), way=WAYS[args.transport]
    )
    scenario.write_text(written, encoding="utf-8")
    command = [sys.executable, "-m", "rtbench", "run", str(scenario), "--target", emulator.url]
    command += ["--duration", f"{args.seconds + ramp_s:g} s", "--out", str(folder)]
    with (folder / "stderr").open("w+", encoding="utf-8") as errors:
        run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)
        try:
            os.sched_setaffinity(run.pid, ours)
            controller = psutil.Process(run.pid)
            processes = (engine_of(controller), psutil.Process(emulator.pid), controller)
            time.sleep(ramp_s + 1.0)
            before, since, first_bytes = Usage.of(*processes), time.monotonic(), resident(processes[0])
            time.sleep(args.seconds - 3.0)
            after, until, last_bytes = Usage.of(*processes), time.monotonic(), resident(processes[0])
            said, _ = run.communicate(timeout=REPORT_TIMEOUT_S)
        finally:
            run.kill()
        if not said.strip():
            errors.seek(0)
            raise SystemExit(errors.read())
    used = Usage(*(late - early for late, early in zip(after, before, strict=True)))
    return Held(Path(said.split()[-1]).parent, used, until - since, (first_bytes, last_bytes))


def resident(process: psutil.Process) -> int:
    """Memory of a process, in bytes."""
    size: int = process.memory_info().rss
    return size


def judge(directory: Path, sessions: int) -> list[str]:
    """Print what the run says of itself; the bounds that it breaks."""
    summary = json.loads((directory / "summary.json").read_text(encoding="utf-8"))
    rows = json.loads((directory / "run.json").read_text(encoding="utf-8"))["reconciliation"]
    health, level = summary["generator"], summary["verdict"]["level"]
    turns = sum(summary["outcomes"]["turns"].values())
    lost = rows["rows_sent"] - rows["rows_received"]
    p99_ms = health["send_lateness_p99_ms"]
    if p99_ms is None:
        return [f"{level}: the run recorded no frame ({summary['outcomes']})"]
    print(
        f"verdict        {level}{''.join(' ' + found['message'] for found in summary['verdict']['findings'])}"
    )
    print(f"sessions       {health['sessions_max']} at once, {turns:,} turns {summary['outcomes']['turns']}")
    print(
        f"send lateness  p50 {health['send_lateness_p50_ms']:.2f}, p99 {p99_ms:.2f}, "
        f"max {health['send_lateness_max_ms']:.2f} ms of {health['frames_sent']:,} frames"
    )
    print(
        f"loop lag       max {health['loop_lag_max_ms']:.2f} ms, collector {health['gc_pause_max_ms']:.2f} ms"
    )
    print(f"rows           {rows['rows_sent']:,} sent, {rows['rows_received']:,} received, {lost} lost")
    broken = []
    if level != "VALID":
        broken.append(f"verdict {level}")
    if p99_ms >= LATENESS_BOUND_MS:
        broken.append(f"send lateness p99 {p99_ms:.2f} ms, bound {LATENESS_BOUND_MS:g} ms")
    if lost:
        broken.append(f"{lost} rows lost")
    if health["sessions_max"] != sessions:
        broken.append(f"{health['sessions_max']} of {sessions} sessions at once")
    return broken


def main() -> int:
    parser = argparse.ArgumentParser(description="Many conversations at once.")
    parser.add_argument("--transport", choices=tuple(WAYS), default="websocket")
    parser.add_argument("--sessions", type=int, default=300)
    parser.add_argument("--seconds", type=int, default=120, help="with all sessions there; 10 or more")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the run there")
    args = parser.parse_args()
    ours, theirs = cores()
    with tempfile.TemporaryDirectory() as scratch, EmulatorProcess(profile=PROFILE) as emulator:
        os.sched_setaffinity(emulator.pid, theirs)
        folder = args.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        before = psutil.cpu_times()
        held = hold(emulator, args, folder)
        after = psutil.cpu_times()
        broken = judge(held.directory, args.sessions)
    session_minutes = args.sessions * held.seconds / 60
    print(f"{'processor':14} {'core':>5} {'busy':>6} {'s per session-minute':>21}")
    for name, value in held.used._asdict().items():
        core = min(theirs if name == "emulator" else ours)
        print(f"{name:14} {core:5} {value / held.seconds:6.0%} {value / session_minutes:21.4f}")
    first_mib, last_mib = (size / (1 << 20) for size in held.engine_bytes)
    print(f"engine memory  {first_mib:.1f} MiB when all called, {last_mib:.1f} MiB at the end")
    stolen = (after.steal - before.steal) / (sum(after) - sum(before))
    print(f"the machine    {stolen:.1%} of its time stolen by others on the host")
    for sentence in broken:
        print(f"BROKEN: {sentence}")
    print(f"{'broken' if broken else 'within bounds'}: {shlex.join(['python', *sys.argv])}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
