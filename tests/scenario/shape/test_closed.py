"""Callers by elapsed time, in virtual time, against values worked out by hand."""

from __future__ import annotations

from rtbench.scenario.shape import parse_shape


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
