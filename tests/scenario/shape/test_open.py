"""Arrivals of open loads, in virtual time, against values worked out by hand and scipy."""

from __future__ import annotations

import itertools
import math
import random
import statistics
from pathlib import Path

import pytest
from scipy import stats

from rtbench.core.errors import UsageError
from rtbench.scenario.shape import arrivals_s, parse_shape


def test_constant_arrivals_are_evenly_apart_and_end_with_the_load() -> None:
    one = parse_shape("open:rate=0.5,arrivals=constant,cap=3,lasts=7s").one
    assert list(one.arrivals_s(seed=1)) == [0.0, 2.0, 4.0, 6.0]
    assert one.most_users == 3


def test_poisson_arrivals_have_exponential_gaps_of_the_right_mean() -> None:
    drawn = list(itertools.islice(arrivals_s(2.0, "poisson", random.Random(5)), 4000))
    gaps = [later - earlier for earlier, later in itertools.pairwise([0.0, *drawn])]
    assert statistics.fmean(gaps) == pytest.approx(0.5, rel=4 / math.sqrt(4000))
    assert stats.kstest(gaps, "expon", args=(0, 0.5)).pvalue > 0.01


def test_the_same_seed_makes_the_same_arrivals_and_another_one_others() -> None:
    one = parse_shape("open:rate=3,cap=50,lasts=20s").one
    assert list(one.arrivals_s(1)) == list(one.arrivals_s(1)) != list(one.arrivals_s(2))
    assert all(0 <= at_s < 20 for at_s in one.arrivals_s(1))


def test_a_replay_counts_from_its_first_call_whatever_the_order_of_its_lines(tmp_path: Path) -> None:
    (tmp_path / "calls.csv").write_text("caller,seconds\nb,103.5\na,100\nc,110\n")
    shape = parse_shape("replay:file=calls.csv,cap=5,speed=2").read_trace(tmp_path)
    assert list(shape.one.arrivals_s(1)) == [0.0, 1.75, 5.0]
    assert shape.one.length_s == 5.0


def test_a_trace_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nowhere\.csv: there is no such arrival trace"):
        parse_shape("replay:file=nowhere.csv,cap=5").read_trace(tmp_path)
