"""What `tests/benchmarks/bench_soak.py` takes for a leak, of looks that are made up; the soak itself takes half an hour."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "benchmarks"))

from bench_soak import told

USERS = 100


@pytest.fixture
def looks() -> Callable[..., pd.DataFrame]:
    """`looks(tasks=6)`: half an hour, once a second, with so much more a minute; callers come and go in waves of 45 s."""

    def make(minutes: float = 30, **leaks: float) -> pd.DataFrame:
        rng = np.random.default_rng(1)
        seconds = np.arange(minutes * 60)
        waves = np.repeat(rng.normal(0, 1, len(seconds) // 45 + 1), 45)[: len(seconds)]
        frame = {
            "s": seconds,
            "MB": 150 + rng.normal(0, 1, len(seconds)),
            "files": np.round(120 + 10 * waves),
            "tasks": np.round(500 + 30 * waves),
            "sessions": np.round(95 + 2 * waves),
        }
        return pd.DataFrame({name: of + leaks.get(name, 0) * seconds / 60 for name, of in frame.items()})

    return make


def test_waves_of_callers_are_no_leak(looks) -> None:
    assert list(told("engine", looks(), USERS, 50.0)) == []


@pytest.mark.parametrize(
    ("leak", "named"), [({"tasks": 6}, "tasks"), ({"files": 2}, "files"), ({"MB": 0.5}, "memory")]
)
def test_what_is_left_behind_minute_by_minute_is_found(looks, leak, named) -> None:
    (sentence,) = told("engine", looks(**leak), USERS, 50.0)
    assert named in sentence


def test_a_few_minutes_tell_nothing(looks) -> None:
    (sentence,) = told("engine", looks(minutes=3), USERS, 50.0)
    assert "too short to tell" in sentence
