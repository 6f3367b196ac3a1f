from __future__ import annotations

import pytest

from rtbench.emulator import checks
from rtbench.emulator.refusal import Refusal

SHAPE = checks.tagged(
    {
        "a": checks.record({"type": checks.anything, "n": checks.integer(1, 5)}, required=("n",)),
        "b": checks.record({"type": checks.anything, "names": checks.array(checks.text(3), 2)}),
    }
)


@pytest.mark.parametrize(
    "value",
    [{"type": "a", "n": 1}, {"type": "b"}, {"type": "b", "names": []}, {"type": "b", "names": ["abc"]}],
)
def test_allowed_values_pass(value):
    SHAPE(value, "p")


@pytest.mark.parametrize(
    ("value", "code", "param"),
    [
        ("a", "invalid_type", "p"),
        ({}, "missing_required_parameter", "p.type"),
        ({"type": "c"}, "invalid_value", "p.type"),
        ({"type": 3}, "invalid_type", "p.type"),
        ({"type": "a"}, "missing_required_parameter", "p.n"),
        ({"type": "a", "n": 0}, "integer_below_min_value", "p.n"),
        ({"type": "a", "n": 6}, "integer_above_max_value", "p.n"),
        ({"type": "a", "n": True}, "invalid_type", "p.n"),
        ({"type": "a", "n": 1.0}, "invalid_type", "p.n"),
        ({"type": "a", "n": 1, "m": 1}, "unknown_parameter", "p.m"),
        ({"type": "b", "names": {}}, "invalid_type", "p.names"),
        ({"type": "b", "names": ["a", "b", "c"]}, "array_above_max_length", "p.names"),
        ({"type": "b", "names": ["abcd"]}, "string_above_max_length", "p.names[0]"),
    ],
)
def test_others_are_refused_with_code_and_place(value, code, param):
    with pytest.raises(Refusal) as caught:
        SHAPE(value, "p")
    assert (caught.value.code, caught.value.param) == (code, param)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), True, "1", None])
def test_a_decimal_is_a_finite_number(value):
    with pytest.raises(Refusal):
        checks.decimal()(value, "p")


def test_nullable_takes_null_and_what_it_stands_for():
    check = checks.nullable(checks.flag)
    check(None, "p")
    check(True, "p")
    with pytest.raises(Refusal):
        check(0, "p")


def test_a_constant_stands_beside_another_shape():
    check = checks.constant_or("inf", checks.integer())
    check("inf", "p")
    check(3, "p")
    with pytest.raises(Refusal):
        check("many", "p")


def test_a_table_bounds_its_entries():
    check = checks.table(checks.text(2), max_entries=1, max_key_length=3)
    check({"abc": "de"}, "p")
    for wrong in ({"abcd": "de"}, {"abc": "def"}, {"a": "", "b": ""}, []):
        with pytest.raises(Refusal):
            check(wrong, "p")
