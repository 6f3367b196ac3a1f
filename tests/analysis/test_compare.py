"""Runs against runs: the whole of a comparison."""

import pytest

from rtbench.analysis.compare import compare
from rtbench.analysis.compare_gate import parse_gate
from rtbench.analysis.compare_metric import Change
from rtbench.core.errors import UsageError
from rtbench.results.reader import read_run


@pytest.fixture(scope="module")
def runs(night):
    """Five nights that are alike, one that is a third slower, and one that is not to be relied on."""
    many = {"sessions": 220, "turns": 3, "spread": 0.04}  # enough for a session rate to be told
    made = {f"same{n}": read_run(night(f"same{n}", seed=n, day=n, **many)) for n in range(1, 6)}
    made["slow"] = read_run(night("slow", seed=9, factor=1.33, **many))
    made["lossy"] = read_run(night("lossy", seed=8, unanswered=0.2))
    made["void"] = read_run(night("void", seed=7, rows_lost=5))
    return made


def test_a_night_like_the_others_is_ok(runs) -> None:
    found = compare([runs[f"same{n}"] for n in range(1, 5)], [runs["same5"]])
    assert found.change is Change.OK
    assert (found.base, found.run) == (["same1", "same2", "same3", "same4"], ["same5"])
    assert found.sentence == "same5 against 4 runs: nothing got worse by as much as the margin."
    assert found.exit_code(strict=True) == 0
    assert found.notes == []


def test_a_slow_night_regresses_in_what_became_slow(runs) -> None:
    found = compare([runs["same1"]], [runs["slow"]])
    by_gate = {str(metric.gate): metric.change for metric in found.metrics}
    assert by_gate["voice_to_voice_ms{tool=false}:p50"] is Change.REGRESSED
    assert by_gate["response_rate:rate"] is Change.OK
    assert found.change is Change.REGRESSED
    assert found.exit_code(strict=False) == 3
    assert "voice_to_voice_ms{tool=false}:p50" in found.sentence
    assert "one run on each side" in found.notes[0]
    assert all(point.difference > 0 for point in found.shift)


def test_answers_that_do_not_come_are_a_regression_too(runs) -> None:
    found = compare([runs["same1"]], [runs["lossy"]], [parse_gate("response_rate:rate")])
    assert found.change is Change.REGRESSED


def test_figures_of_which_neither_side_has_any_are_left_out(runs) -> None:
    gates = {str(metric.gate) for metric in compare([runs["same1"]], [runs["same2"]]).metrics}
    assert not any("barge_in" in gate or "tool=true" in gate for gate in gates)
    nothing = compare([runs["same1"]], [runs["same2"]], [parse_gate("yield_rate:rate")])
    assert (nothing.change, nothing.metrics) == (Change.INCONCLUSIVE, [])


def test_an_inconclusive_comparison_matters_only_where_it_is_said_to(runs, night) -> None:
    few = read_run(night("few", sessions=12, seed=4))
    found = compare([few], [runs["same1"]], [parse_gate("voice_to_voice_ms:p99")])
    assert found.change is Change.INCONCLUSIVE
    assert (found.exit_code(strict=False), found.exit_code(strict=True)) == (0, 7)
    assert "sessions on each side would tell" in found.sentence


def test_more_figures_make_it_harder_to_be_sure(runs) -> None:
    one = compare([runs["same1"]], [runs["slow"]], [parse_gate("voice_to_voice_ms:p50")]).metrics[0]
    many = compare([runs["same1"]], [runs["slow"]]).metrics[0]
    assert one.p_value is not None and many.p_value is not None
    assert many.p_value >= one.p_value


def test_what_may_differ_is_noted(runs, night) -> None:
    other = read_run(night("elsewhere", target="http://127.0.0.1:9/v1", seed=5))
    assert (
        "The target differs: emulator and http://127.0.0.1:9/v1." in compare([runs["same1"]], [other]).notes
    )


def test_a_run_is_not_compared_with_itself_nor_one_that_is_invalid(runs) -> None:
    with pytest.raises(UsageError, match="same1 is on both sides"):
        compare([runs["same1"]], [runs["same2"], runs["same1"]])
    with pytest.raises(UsageError, match="void cannot be compared: it is INVALID"):
        compare([runs["same1"]], [runs["void"]])
    assert compare([runs["same1"]], [runs["void"]], allow_invalid=True).metrics
