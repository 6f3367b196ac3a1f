"""Load shapes in virtual time: callers by elapsed time and arrivals, against values worked out by hand."""

from __future__ import annotations

import itertools
import math
import random
import statistics
from pathlib import Path

import pytest
from scipy import stats

from rtbench.core.errors import UsageError
from rtbench.scenario.load import load_scenario
from rtbench.scenario.shape import Shape, arrivals_s, parse_shape

SCENARIO = """\
name: shaped
conversation:
  - say: {role: question}
  - listen
"""


def levels(written: str, *at_s: float) -> list[int]:
    one = parse_shape(written).one
    return [one.users_at(each) for each in at_s]


def test_a_closed_load_is_all_there_from_the_beginning() -> None:
    assert levels("closed:users=7,lasts=90s", 0, 45, 89.9) == [7, 7, 7]
    assert parse_shape("closed:users=7,lasts=90s").one.length_s == 90.0


def test_a_ramp_is_a_straight_line_to_the_nearest_caller_and_holds() -> None:
    written = "ramp:start=10,users=20,over=10s,hold=5s"
    assert levels(written, 0, 0.4, 0.5, 5.0, 9.6, 10, 14.9) == [10, 10, 11, 15, 20, 20, 20]
    assert parse_shape(written).one.length_s == 15.0


def test_a_ramp_can_go_down() -> None:
    assert levels("ramp:start=20,users=0,over=10s", 0, 5, 9.9, 10) == [20, 10, 0, 0]


def test_steps_are_as_many_as_are_needed_and_the_last_is_held_as_long_as_the_others() -> None:
    written = "steps:start=5,users=12,by=3,every=10s"
    assert levels(written, 0, 9.99, 10, 20, 30, 39) == [5, 5, 8, 11, 12, 12]
    assert parse_shape(written).one.length_s == 40.0
    assert levels("steps:start=5,users=1,by=3,every=10s", 0, 10, 20) == [5, 2, 1]


def test_a_spike_begins_and_ends_at_once() -> None:
    written = "spike:base=3,users=40,before=10s,lasts=2s,after=8s"
    assert levels(written, 0, 9.99, 10, 11.99, 12, 19) == [3, 3, 40, 40, 3, 3]
    assert parse_shape(written).one.length_s == 20.0


def test_a_soak_brings_its_callers_one_after_the_other() -> None:
    written = "soak:users=4,ramp=8s,lasts=1h"
    assert levels(written, 0, 1.9, 2, 4, 6, 8, 3000) == [1, 1, 2, 3, 4, 4, 4]
    assert parse_shape(written).one.length_s == 3608.0


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


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("rampp:users=3", r"^--shape: there is no shape 'rampp'; did you mean 'ramp'\?$"),
        ("ramp:users", r"^--shape: 'users' is not KEY=VALUE"),
        (
            "ramp:users=3,over=10",
            r"^--shape: ramp\.over: a duration needs its unit: write '10 ms' or '10 s'$",
        ),
        ("ramp:users=3,ovr=10s", r"^--shape: ramp\.ovr: unknown key 'ovr'; did you mean 'over'\?$"),
        ("ramp:users=3", r"^--shape: ramp\.over: is missing$"),
        ("steps:start=1,users=3,by=1,every=0s", r"^--shape: steps\.every: must be longer than 0$"),
        ("closed:users=1,lasts=0s", r"^--shape: closed: takes no time$"),
        ("open:rate=0,cap=1,lasts=1s", r"^--shape: open\.rate: must be more than 0"),
        ("open:rate=1,arrivals=fast,cap=1,lasts=1s", r"^--shape: open\.arrivals: must not be 'fast'"),
    ],
)
def test_a_shape_that_is_none_is_told_in_one_sentence(written: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        parse_shape(written)


def test_a_scenario_has_its_shape_by_name(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(SCENARIO + "shape:\n  ramp: {users: 10, over: 1 min}\n")
    shape = load_scenario(path).shape
    assert isinstance(shape, Shape)
    assert shape.kind == "ramp"
    assert shape.one.users_at(30) == 6  # from 1 to 10: 5.5, rounded up
    assert load_scenario(path).iterations_per_user is None


@pytest.mark.parametrize(
    ("shape", "told"),
    [
        ("shape: {}", r"shape: must name one of closed, ramp"),
        ("shape: {ramp: {users: 1, over: 1 s}, closed: {users: 1, lasts: 1 s}}", r"shape: must name one of"),
        ("shape: {ramp: {users: 1, over: 1 s}}\nduration: 3 s", r"duration: the shape says how long"),
        ("shape: {ramp: {users: 1, over: 1 s}}\niterations: 3", r"iterations: the shape says how long"),
        ("shape: {ramp: {users: 1, over: 3}}", r"a\.yaml:5: shape\.ramp\.over: a duration needs its unit"),
    ],
)
def test_what_cannot_be_a_shape_is_told_where_it_stands(tmp_path: Path, shape: str, told: str) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(SCENARIO + shape + "\n")
    with pytest.raises(UsageError, match=told):
        load_scenario(path)
