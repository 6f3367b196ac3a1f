from __future__ import annotations

import re

import pytest

from rtbench.core.errors import UsageError
from rtbench.emulator.delays import Constant, Empirical, Lognormal
from rtbench.emulator.profile_file import SHIPPED_PROFILES, find_profile, read_profile


@pytest.fixture
def write(tmp_path):
    def write_file(text: str, name: str = "p.yaml"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return write_file


@pytest.mark.parametrize("path", sorted(SHIPPED_PROFILES.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_profiles_that_come_with_rtbench_are_valid(path):
    assert find_profile(path.stem) == path
    read_profile(path)


def test_a_profile_is_found_by_its_path(write):
    path = write("seed: 3")
    assert read_profile(find_profile(str(path))).seed == 3


def test_an_unknown_name_is_told_with_the_nearest():
    with pytest.raises(UsageError, match="profile 'typicl' was not found; did you mean 'typical'"):
        find_profile("typicl")


def test_a_missing_file_is_told():
    with pytest.raises(UsageError, match=r"nowhere\.yaml: no such file"):
        read_profile(find_profile("nowhere.yaml"))


def test_settings_go_over_those_of_the_file(write):
    path = write("response_delay: 100 ms\nseed: 4")
    profile = read_profile(path, {"response_delay": {"lognormal": {"median": "1 ms", "p95": "2 ms"}}})
    assert profile.response_delay == Lognormal(1, 2)
    assert profile.seed == 4


def test_empirical_delays_come_from_a_file_beside_the_profile(write):
    write("120\n80.5\n", "values.txt")
    profile = read_profile(write("response_delay: {empirical: values.txt}"))
    assert profile.response_delay == Empirical((120, 80.5))


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (None, "values.txt cannot be read"),
        ("12 ms", "one number of milliseconds per line"),
        ("-1", "negative"),
        ("", "at least one entry"),
    ],
)
def test_a_bad_file_of_delays_is_told_by_line_and_key(write, values, sentence):
    if values is not None:
        write(values, "values.txt")
    path = write("seed: 1\njitter:\n  empirical: values.txt")
    with pytest.raises(UsageError, match=rf"{re.escape(str(path))}:3: jitter.empirical: .*{sentence}"):
        read_profile(path)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("seed: 1\nchunk: 7 ms", ":2: chunk: must be 10 ms"),
        ("respons_delay: 7 ms", ":1: respons_delay: unknown key 'respons_delay'; did you mean"),
        ("jitter:\n  normal: {mean: 1 ms}", "jitter.normal: must have exactly mean and sd"),
        ("faults:\n  cut_in:\n    rate: often\n    after: 1 s", ":3: faults.cut_in.rate: must be a rate"),
        ("faults:\n  late_cancl: 1 s", ":2: faults.late_cancl: unknown fault 'late_cancl'; did you mean"),
        ("- a", ": a profile is a mapping of keys"),
        ("", ": is empty"),
    ],
)
def test_a_mistake_is_told_by_file_line_and_key(write, text, sentence):
    path = write(text)
    with pytest.raises(UsageError, match=re.escape(str(path)) + ".*" + re.escape(sentence)):
        read_profile(path)


def test_a_mistake_in_settings_is_told_by_its_key(write):
    with pytest.raises(UsageError, match=r"^emulator\.chunk: must be 10 ms"):
        read_profile(write("seed: 1"), {"chunk": "7 ms"})


def test_the_default_profile_is_a_constant():
    assert read_profile(find_profile("default")).response_delay == Constant(300)
