"""Levels: decibels with their unit, and what to write instead of anything else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from rtbench.scenario.fault import fault_sentence
from rtbench.scenario.level import HIGHEST_DB, LOWEST_DB, Level

ADAPTER: TypeAdapter[Level] = TypeAdapter(Level)


@pytest.mark.parametrize(
    ("written", "db"),
    [("-6 dB", -6), ("-6dB", -6), ("+3 dB", 3), ("0 dB", 0), ("-12.5 dB", -12.5), (" -60 dB ", -60)],
)
def test_a_level_is_a_number_of_decibels(written: str, db: float) -> None:
    assert ADAPTER.validate_python(written) == Level(db)


@given(st.floats(LOWEST_DB, HIGHEST_DB))
def test_a_level_reads_back_as_it_is_written(db: float) -> None:
    assert Level.parse(str(Level(db))) == Level(db)


def test_whole_decibels_are_written_without_a_fraction() -> None:
    assert str(Level(-20.0)) == "-20 dB"


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        (-6, "a level needs its unit: write '-6 dB'"),
        ("-6", "a level is in dB: write '-6 dB'"),
        ("-6 db", "a level is in dB: write '-6 dB'"),
        ("-6 ms", "a level is in dB: write '-6 dB'"),
        ("soft", "must be a level such as '-6 dB', not 'soft'"),
        (True, "must be a level such as '-6 dB', not true"),
        (None, "must be a level such as '-6 dB', not nothing"),
        ("-61 dB", "must be -60 dB to 20 dB, not '-61 dB'"),
        ("21 dB", "must be -60 dB to 20 dB, not '21 dB'"),
    ],
)
def test_what_is_no_level_is_told_in_one_sentence(written: object, sentence: str) -> None:
    with pytest.raises(ValidationError) as caught:
        ADAPTER.validate_python(written)
    assert fault_sentence(caught.value.errors()[0]) == sentence
