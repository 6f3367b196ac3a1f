"""Cost of the trace, per event, against the way it would be written by hand.

    python tests/benchmarks/bench_trace.py [rounds]

By hand means: a dict a row in a list, made a table by `pa.Table.from_pylist` and written when a shard
is full. Contenders take turns within each round, so that a busy machine slows both alike; each is
charged with the time for which it holds the event loop, and its writing, which rtbench does in
another thread, is waited for outside of the measurement. A cost is the median over rounds, a ratio
the median of each round's own ratio; n is the number of events timed.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from rtbench.core.audio import Audio
from rtbench.core.response_events import AudioDelta, AudioTranscriptDelta
from rtbench.core.server_events import ItemAdded, SpeechStopped
from rtbench.dialects.openai_ga import OPENAI_GA
from rtbench.engine.trace import SHARD_ROWS, Trace
from rtbench.results.schema import TRACE

IDS = {
    "response_id": "resp_CaVtPbq4H1nX9",
    "item_id": "item_CaVtPgR2w",
    "output_index": 0,
    "content_index": 0,
}
EVENTS = (
    *(AudioDelta(**IDS, delta=Audio(base64="QUJD" * 1600)) for _ in range(8)),
    *(AudioTranscriptDelta(**IDS, delta="some words") for _ in range(6)),
    SpeechStopped(item_id="item_CaVtPgR2w", audio_end_ms=1_250),
    ItemAdded(
        item={
            "type": "message",
            "id": "item_CaVtPgR2w",
            "content": [{"type": "audio", "transcript": "words"}],
        }
    ),
)
"""About the mix of a turn: nearly all events are deltas."""


def with_rtbench(folder: Path) -> float:
    trace = Trace(folder, "w0", OPENAI_GA.wire_type, keep_words=False)
    session = trace.session("w0-000001")
    start_ns = time.perf_counter_ns()
    for at_ns, event in enumerate(islice(cycle(EVENTS), SHARD_ROWS)):
        session.received(event, at_ns)
    elapsed_ns = time.perf_counter_ns() - start_ns
    trace.close()
    return elapsed_ns / SHARD_ROWS / 1000


def by_hand(folder: Path) -> float:
    rows: list[dict[str, Any]] = []
    start_ns = time.perf_counter_ns()
    for at_ns, event in enumerate(islice(cycle(EVENTS), SHARD_ROWS)):
        fields = asdict(event)
        payload = fields.pop("delta", None)
        rows.append(
            {
                "session": "w0-000001",
                "at_ns": at_ns,
                "sent": False,
                "type": OPENAI_GA.wire_type(event),
                "size_bytes": payload.size_bytes if isinstance(payload, Audio) else 0,
                "due_ns": at_ns,
                "detail": msgspec.json.encode(fields).decode(),
            }
        )
    pq.write_table(pa.Table.from_pylist(rows, schema=TRACE), folder / "by_hand.parquet", compression="zstd")
    return (time.perf_counter_ns() - start_ns) / SHARD_ROWS / 1000


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    contenders: dict[str, Callable[[Path], float]] = {"rtbench": with_rtbench, "list of dicts": by_hand}
    with tempfile.TemporaryDirectory() as folder:
        for contender in contenders.values():
            contender(Path(folder))
        table = [{name: run(Path(folder)) for name, run in contenders.items()} for _ in range(rounds)]
    print(f"{'one traced event':20} {'us each':>8} {'ratio':>7} {'n':>10}")
    for name in contenders:
        ratio = median(row[name] / row["rtbench"] for row in table)
        print(f"{name:20} {median(row[name] for row in table):8.2f} {ratio:7.2f} {rounds * SHARD_ROWS:10,}")


if __name__ == "__main__":
    main()
