"""Seconds, memory and page of the report of a run of 100,000 turns.

    python tests/benchmarks/bench_report.py [--turns 100000]

The run is the one of `reports/example` many times over: every copy has sessions of its own, later in time,
and turns that waited some milliseconds more or less, in the rows as in the emulator's log. What is
measured is `rtbench report` as a process. Bounds: 30 s, 1 GB, and 3 MB of page up to 10,000 turns, beyond
which it is told without a bound. Exit code 1 where one is broken.
"""

import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from rtbench.engine.trace import SHARD_ROWS

EXAMPLE = Path(__file__).parents[2] / "reports" / "example"
SECONDS_BOUND, GIGABYTES_BOUND = 30.0, 1.0
PAGE_BOUND_MB, PAGE_TURNS = 3.0, 10_100
RATE_KHZ = 24
LASTS_S = 60
"""Time between one copy and the next, up to `WAVES` of them: then the clock begins again, with more sessions at once."""

WAVES = 60
IDS = ("session", "session_id", "response_id")
JITTERED_MS = ("voice_to_voice_ms", "endpoint_delay_ms")


def shift_ns(copy: int) -> int:
    return copy % WAVES * LASTS_S * 1_000_000_000


def copied(table: pa.Table, copy: int) -> pa.Table:
    """The same rows with other names, later."""
    for index, field in enumerate(table.schema):
        column = table.column(index)
        if field.name in IDS:
            names = pc.binary_join_element_wise(column.cast(pa.string()), f"{copy}", "-")
            column = names.dictionary_encode() if pa.types.is_dictionary(field.type) else names
        elif field.name.endswith("_ns"):
            column = pc.add(column, shift_ns(copy))
        else:
            continue
        table = table.set_column(index, field, column)
    return table


def jittered(turns: pa.Table, jitter_ms: np.ndarray) -> pa.Table:
    """The same turns with the end of the user's turn found sooner or later."""
    for name in JITTERED_MS:
        index = turns.schema.get_field_index(name)
        turns = turns.set_column(index, turns.schema.field(index), pc.add(turns.column(index), jitter_ms))
    return turns


def write(tables: Iterable[pa.Table], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = pa.concat_tables(list(tables))
    pq.write_table(whole, path, compression="zstd", row_group_size=50_000)


def write_trace(copies: int, folder: Path) -> None:
    """In shards, as an engine writes it."""
    trace = pa.concat_tables([pq.read_table(part) for part in sorted((EXAMPLE / "trace").glob("*.parquet"))])
    per_shard = max(1, SHARD_ROWS // trace.num_rows)
    for shard, first in enumerate(range(0, copies, per_shard), start=1):
        numbers = range(first, min(first + per_shard, copies))
        write((copied(trace, n) for n in numbers), folder / f"w0-{shard:05d}.parquet")


def logged(rows: list[dict], jitters: dict[str, int], copy: int) -> Iterator[str]:
    """The emulator's log of one copy."""
    for row in rows:
        delayed = row["endpoint_sample"] + RATE_KHZ * jitters.get(row["response_id"], 0)
        ids = {name: f"{row[name]}-{copy}" for name in ("session_id", "response_id")}
        yield json.dumps({**row, **ids, "endpoint_sample": delayed}) + "\n"


def enlarge(run: Path, turns_wanted: int) -> int:
    """Write the example many times over to `run`; how many turns it has."""
    turns = pq.read_table(EXAMPLE / "turns.parquet")
    copies = -(-turns_wanted // turns.num_rows)
    random = np.random.default_rng(1)
    jitters_ms = random.integers(-150, 400, (copies, turns.num_rows))
    write(
        (jittered(copied(turns, n), jitters_ms[n].astype(float)) for n in range(copies)),
        run / "turns.parquet",
    )
    for name in ("sessions", "waveforms"):
        table = pq.read_table(EXAMPLE / f"{name}.parquet")
        write((copied(table, n) for n in range(copies)), run / f"{name}.parquet")
    generator = pq.read_table(EXAMPLE / "generator.parquet")
    write((copied(generator, n) for n in range(min(copies, WAVES))), run / "generator.parquet")
    write_trace(copies, run / "trace")
    rows = [
        json.loads(line) for line in (EXAMPLE / "emulator.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    responses = turns.column("response_id").to_pylist()
    with (run / "emulator.jsonl").open("w", encoding="utf-8") as log:
        for copy in range(copies):
            jitters = dict(zip(responses, jitters_ms[copy].tolist(), strict=True))
            log.writelines(logged(rows, jitters, copy))
    reconcile(run, copies)
    return copies * turns.num_rows


def reconcile(run: Path, copies: int) -> None:
    """A `run.json` that says that no row was lost."""
    provenance = json.loads((EXAMPLE / "run.json").read_text(encoding="utf-8"))
    counts = provenance["reconciliation"]
    for name in ("rows_sent", "rows_received", "sessions_finished"):
        counts[name] *= copies
    (run / "run.json").write_text(json.dumps(provenance), encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description="Seconds and memory of a large report.")
    parser.add_argument("--turns", type=int, default=100_000)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        run = Path(scratch)
        turns = enlarge(run, args.turns)
        trace_rows = sum(pq.read_metadata(part).num_rows for part in (run / "trace").glob("*.parquet"))
        begun_ns = time.perf_counter_ns()
        report = subprocess.Popen(
            [sys.executable, "-m", "rtbench", "report", scratch], stdout=subprocess.DEVNULL
        )
        _, status, usage = os.wait4(report.pid, 0)
        report.returncode = os.waitstatus_to_exitcode(status)
        seconds = (time.perf_counter_ns() - begun_ns) / 1e9
        error = json.loads((run / "summary.json").read_text(encoding="utf-8"))["measurement_error"]
        page_mb = (run / "report.html").stat().st_size / 1e6
    gigabytes = usage.ru_maxrss * 1024 / 1e9
    print(f"{turns:,} turns, {trace_rows:,} events; {error['n']:,} turns joined with the emulator's log")
    print(
        f"{seconds:.1f} s (bound {SECONDS_BOUND:.0f}), of which {usage.ru_utime + usage.ru_stime:.1f} s of processor time"
    )
    print(f"{gigabytes:.2f} GB at most (bound {GIGABYTES_BOUND:.0f})")
    bound = f"bound {PAGE_BOUND_MB:.0f}" if turns <= PAGE_TURNS else "no bound for so many turns"
    print(f"{page_mb:.2f} MB of page ({bound})")
    broken = report.returncode != 0 or seconds > SECONDS_BOUND or gigabytes > GIGABYTES_BOUND
    broken |= turns <= PAGE_TURNS and page_mb > PAGE_BOUND_MB
    print(f"{'BROKEN' if broken else 'within bounds'}: {shlex.join(['python', *sys.argv])}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
