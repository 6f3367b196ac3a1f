import pytest

from rtbench.core.errors import ExitCode


@pytest.mark.parametrize(
    ("ended", "limit", "code"),
    [(True, 800, ExitCode.PASS), (True, 100, ExitCode.THRESHOLD_FAILED), (False, 100, ExitCode.INVALID)],
)
def test_the_exit_code_puts_an_invalid_run_before_a_failed_threshold(
    summarised, ended: bool, limit: float, code: ExitCode
) -> None:
    assert summarised(ended=ended, limit=limit).exit_code is code


def test_outcomes_errors_and_worst_turns_are_counted_out(summarised) -> None:
    summary = summarised()
    assert summary.turn_outcomes == {"answered": 97, "no_answer": 3}
    assert summary.session_outcomes == {"completed": 10}
    assert summary.worst["voice_to_voice_ms"].tolist()[1:] == [596.0, 595.0, 594.0, 593.0]
    assert summary.measurement_error is not None and summary.measurement_error.mean_ms == 0.25


def test_a_run_in_which_nothing_happened_can_be_summed_up(summarised, make_turns) -> None:
    summary = summarised(make_turns())
    assert summary.exit_code is ExitCode.INVALID
    assert "No turn was finished" in summary.verdict.findings[0].message
    assert summary.turn_taking is None


def test_stimuli_are_summed_up_and_told_in_the_sentence(summarised) -> None:
    heard = [
        {"session": f"s{n % 10}", "yielded": 1.0, "barge_in_heard_stop_ms": 200.0 + n} for n in range(20)
    ]
    summary = summarised(stimuli=heard)
    assert summary.turn_taking is not None
    assert summary.turn_taking.stimuli == {"interrupt": 20}
    assert "the agent yielded to 100.0% of 20 interruptions" in summary.sentence
    assert summary.worst_stimuli["barge_in_heard_stop_ms"].iloc[0] == 219.0
