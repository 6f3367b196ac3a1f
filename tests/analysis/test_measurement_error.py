import pytest

from rtbench.analysis.measurement_error import measurement_error


def test_the_error_is_told_signed_in_its_middle_and_by_size_at_its_end(make_turns) -> None:
    turns = make_turns(*[{}] * 100).assign(voice_to_voice_error_ms=[-4.0, 3.0, *[1.0] * 98])
    found = measurement_error(turns)
    assert found is not None
    assert found.mean_ms == pytest.approx(0.97)
    assert (found.n, found.p50_ms, found.p99_abs_ms, found.max_abs_ms) == (100, 1.0, 3.0, 4.0)


def test_void_turns_are_left_out(make_turns) -> None:
    turns = make_turns({}, {"void": True}).assign(voice_to_voice_error_ms=[1.0, 90.0])
    found = measurement_error(turns)
    assert found is not None and found.max_abs_ms == 1.0


def test_without_a_truth_there_is_no_error(make_turns) -> None:
    assert measurement_error(make_turns({}).assign(voice_to_voice_error_ms=float("nan"))) is None
