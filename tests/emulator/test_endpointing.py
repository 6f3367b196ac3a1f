from __future__ import annotations

import random

import numpy as np
import pytest

from rtbench.emulator.completeness import Completeness
from rtbench.emulator.endpointing import END_MS, PAUSE_MS, Endpointing
from rtbench.emulator.faults import Faults, parse_faults
from rtbench.emulator.settings import TurnDetection

SERVER_VAD = TurnDetection(0.5, 300, 500, None, True, True)
SEMANTIC_VAD = TurnDetection(0.5, 300, 800, None, True, True, longest_wait_ms=4_000)
ANY = np.zeros(100, np.int16)


class Believing:
    """A recognizer with one opinion."""

    def __init__(self, said: str) -> None:
        self.said = Completeness(said)

    def completeness(self, samples, rate_hz) -> Completeness:
        return self.said


def silences(said: str, detection: TurnDetection, count: int = 1, error_rate: float = 0.0, **faults: object):
    endpointing = Endpointing(Believing(said), Faults(parse_faults(faults)), error_rate, random.Random(3))
    return [endpointing.silence_ms(ANY, 24_000, detection) for _ in range(count)]


@pytest.mark.parametrize(
    ("said", "silence_ms"), [("whole", END_MS), ("part", 4_000), ("unknown", SEMANTIC_VAD.silence_ms)]
)
def test_semantic_vad_waits_by_what_was_said(said, silence_ms):
    assert silences(said, SEMANTIC_VAD) == [silence_ms]


@pytest.mark.parametrize(("said", "right", "wrong"), [("whole", END_MS, 4_000), ("part", 4_000, END_MS)])
def test_it_errs_in_either_direction_at_the_set_rate(said, right, wrong):
    waits = silences(said, SEMANTIC_VAD, 2_000, error_rate=0.2)
    assert set(waits) == {right, wrong}
    assert waits.count(wrong) / 2_000 == pytest.approx(0.2, abs=0.03)


def test_it_does_not_err_about_what_it_does_not_know():
    assert set(silences("unknown", SEMANTIC_VAD, 100, error_rate=1.0)) == {800}


@pytest.mark.parametrize("detection", [SERVER_VAD, SEMANTIC_VAD])
def test_a_premature_cutoff_takes_a_hold_for_the_end_and_nothing_else(detection):
    assert silences("part", detection, premature_cutoff=1) == [PAUSE_MS]
    for said in ("whole", "unknown"):
        assert silences(said, detection, premature_cutoff=1) == silences(said, detection)


def test_pauses_are_judged_only_where_it_matters():
    plain = Endpointing(Believing("part"), Faults())
    hasty = Endpointing(Believing("part"), Faults(parse_faults({"premature_cutoff": 0.5})))
    assert [plain.judges(SERVER_VAD), plain.judges(SEMANTIC_VAD)] == [False, True]
    assert hasty.judges(SERVER_VAD)
