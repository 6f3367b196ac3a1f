"""Mutated messages, both ways: no exception escapes, and every session goes on or ends with a class.

The full counts are in `tests/benchmarks/bench_fuzz.py`, which uses the same mutations.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "benchmarks"))

from bench_fuzz import fuzz_caller, fuzz_emulator
from fuzz_requests import FuzzedServer


def test_a_caller_survives_whatever_a_service_says() -> None:
    found = fuzz_caller(messages=3_000, seed=1)

    assert found.messages == 3_000
    assert found.malformed > 100
    assert found.sessions > 1
    assert min(found.turns["answered"], found.turns["no_answer"], found.turns["dropped"]) > 0  # it got as far
    assert set(found.outcomes) <= {"completed", "failed", "dropped", "live"}
    assert found.broken == []  # a session without a class among it
    assert found.classes.total() == found.outcomes["failed"] + found.outcomes["dropped"] > 0


def test_the_emulator_survives_whatever_a_client_says() -> None:
    found = fuzz_emulator(messages=1_500, seed=1)

    assert found.messages == 1_500
    assert found.refused > 100
    assert found.broken == []


def test_the_emulator_s_door_survives_whatever_is_asked_of_it() -> None:
    with FuzzedServer() as server:
        found = server.fuzz(requests=160, seed=1)

    assert found.broken == []
    assert found.messages == 160
    assert found.sessions > 0
    assert found.outcomes["400"] > 0
