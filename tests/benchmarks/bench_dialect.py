"""Cost of the dialect's two bulk messages, against the ways people write them by hand.

    python tests/benchmarks/bench_dialect.py [rounds]

Contenders take turns within each round, so that a busy machine slows all of them alike. A cost is
the median over rounds, a ratio the median of each round's own ratio to the first line; n is the
number of messages timed.
"""

from __future__ import annotations

import base64
import json
import sys
import time
from collections.abc import Callable
from statistics import median
from typing import Any

from openai._models import construct_type_unchecked
from openai.types.realtime import RealtimeServerEvent

from rtbench.core.audio import PCM16, Audio
from rtbench.core.client_events import InputAudioAppend
from rtbench.core.response_events import AudioDelta
from rtbench.dialects.codec import Reader
from rtbench.dialects.openai_ga import OPENAI_GA, SERVER_TABLE

MESSAGES_PER_ROUND = 500
SAMPLES_100_MS = bytes(index * 31 % 251 for index in range(PCM16.size_bytes(PCM16.rate_hz // 10)))

Contenders = dict[str, Callable[[], object]]


def decoders() -> Contenders:
    event = AudioDelta(
        event_id="event_CaVtQ3kQ5xZ0mJ8rW2yLd",
        response_id="resp_CaVtPbq4H1nX9sT7uE6oK",
        item_id="item_CaVtPgR2wD5vF8yN3jM0c",
        output_index=0,
        content_index=0,
        delta=Audio(SAMPLES_100_MS),
    )
    message = OPENAI_GA.server_codec().encode(event)
    text = message.decode()
    codec, general = OPENAI_GA.client_codec(), Reader(SERVER_TABLE)
    return {
        "rtbench, payload cut out": lambda: codec.decode(message),
        "rtbench, from str": lambda: codec.decode(text),
        "rtbench, the general way": lambda: general.read(message),
        "json.loads + base64": lambda: base64.b64decode(json.loads(message)["delta"]),
        "openai package": lambda: openai_parse(message),
        "openai package + base64": lambda: base64.b64decode(openai_parse(message).delta),
    }


def openai_parse(message: bytes) -> Any:
    """What `connection.parse_event` of the package's client does."""
    return construct_type_unchecked(value=json.loads(message), type_=RealtimeServerEvent)


def encoders() -> Contenders:
    shared = Audio(SAMPLES_100_MS)
    codec = OPENAI_GA.client_codec()
    return {
        "rtbench, append_message of a new frame": lambda: OPENAI_GA.append_message(Audio(SAMPLES_100_MS)),
        "rtbench, append_message of a known frame": lambda: OPENAI_GA.append_message(shared),
        "rtbench, encode": lambda: codec.encode(InputAudioAppend(audio=shared)),
        "json.dumps + base64": lambda: json.dumps(
            {"type": "input_audio_buffer.append", "audio": base64.b64encode(SAMPLES_100_MS).decode()}
        ).encode(),
    }


def cost_us(contender: Callable[[], object]) -> float:
    start_ns = time.perf_counter_ns()
    for _ in range(MESSAGES_PER_ROUND):
        contender()
    return (time.perf_counter_ns() - start_ns) / MESSAGES_PER_ROUND / 1000


def compare(title: str, contenders: Contenders, rounds: int) -> None:
    for contender in contenders.values():
        cost_us(contender)
    table = [{name: cost_us(contender) for name, contender in contenders.items()} for _ in range(rounds)]
    first = next(iter(contenders))
    print(f"\n{title:42} {'us each':>8} {'ratio':>7} {'n':>8}")
    for name in contenders:
        ratio = median(row[name] / row[first] for row in table)
        cost = median(row[name] for row in table)
        print(f"{name:42} {cost:8.2f} {ratio:7.2f} {rounds * MESSAGES_PER_ROUND:8,}")


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 40
    compare("decode an audio delta of 100 ms", decoders(), rounds)
    compare("encode an append of 100 ms", encoders(), rounds)


if __name__ == "__main__":
    main()
