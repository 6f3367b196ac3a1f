"""Mutated messages, both ways: no exception escapes, and every session goes on or ends with a class.

The full counts are in `tests/benchmarks/bench_fuzz.py`, which uses the same mutations.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "benchmarks"))

from bench_fuzz import fuzz_caller, fuzz_emulator, fuzz_http


def test_a_caller_survives_whatever_a_service_says() -> None:
    found = fuzz_caller(messages=3_000, seed=1)

    assert found.messages == 3_000
    assert found.malformed > 100
    assert found.sessions > 1
    assert set(found.outcomes) <= {"completed", "failed", "dropped", "live"}


def test_the_emulator_survives_whatever_a_client_says() -> None:
    found = fuzz_emulator(messages=1_500, seed=1)

    assert found.messages == 1_500
    assert found.refused > 100


def test_the_emulator_s_door_survives_whatever_is_asked_of_it() -> None:
    found = fuzz_http(requests=60, seed=1)

    assert found.answered > 0
    assert found.alive
