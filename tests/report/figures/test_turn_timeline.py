import numpy as np
import pytest

from rtbench.report.figures import turn_timeline
from rtbench.report.figures.lanes import Envelope

MS = 1_000_000
SPEECH_END = 7_000 * MS
TURN = {
    "outcome": "answered",
    "user_speech_start_ns": SPEECH_END - 1_500 * MS,
    "user_speech_end_ns": SPEECH_END,
    "speech_stopped_ns": SPEECH_END + 505 * MS,
    "commit_sent_ns": None,
    "response_created_ns": SPEECH_END + 510 * MS,
    "first_audio_ns": SPEECH_END + 900 * MS,
    "audible_ns": SPEECH_END + 1_000 * MS,
    "response_done_ns": SPEECH_END + 2_000 * MS,
    "playout_end_ns": SPEECH_END + 3_000 * MS,
    "closed_ns": SPEECH_END + 3_000 * MS,
}


def _texts(figure) -> dict[str, float]:
    return {text.get_text(): text.xy[0] for text in figure.axes[0].texts if hasattr(text, "xy")}


def _lane(figure, name: str):
    return next(lane for lane in figure.axes[0].collections if lane.get_gid() == name)


def test_every_event_stands_at_its_time_from_the_end_of_speech() -> None:
    marks = _texts(turn_timeline.draw(TURN, None, None))
    assert marks["end of speech"] == 0
    assert marks["speech_stopped · response.created"] == 505
    assert marks["first audio"] == 900
    assert marks["audible"] == 1_000
    assert marks["response.done"] == 2_000
    assert "commit" not in marks


def test_the_wait_is_written_out() -> None:
    figure = turn_timeline.draw(TURN, None, None)
    assert "1,000 ms" in [text.get_text() for text in figure.axes[0].texts]


@pytest.mark.parametrize(("name", "start_ms", "end_ms"), [("caller", -1_500, 0), ("agent", 1_000, 3_000)])
def test_a_waveform_that_was_not_kept_is_a_block_of_its_length(
    name: str, start_ms: float, end_ms: float
) -> None:
    at_ms = _lane(turn_timeline.draw(TURN, None, None), name).get_paths()[0].vertices[:, 0]
    assert (at_ms.min(), at_ms.max()) == (start_ms, end_ms)


def test_a_kept_waveform_lies_where_it_was_heard() -> None:
    agent = Envelope(SPEECH_END + 900 * MS, 20.0, np.array([0.0, 0.5, 0.25]))
    path = _lane(turn_timeline.draw(TURN, None, agent), "agent").get_paths()[0].vertices
    assert (path[:, 0].min(), path[:, 0].max()) == (900, 940)
    loudest = path[np.argmax(path[:, 1])]
    assert loudest[0] == 920


def test_an_unanswered_turn_says_how_it_ended_and_after_how_long() -> None:
    never = dict.fromkeys(
        ("response_created_ns", "first_audio_ns", "audible_ns", "response_done_ns", "playout_end_ns")
    )
    turn = {**TURN, **never, "outcome": "no_answer", "closed_ns": SPEECH_END + 15_000 * MS}
    figure = turn_timeline.draw(turn, None, None)
    assert "no answer after 15,000 ms" in _texts(figure)
    assert figure.axes[0].get_xlim()[1] == 15_000


def test_an_agent_that_cut_in_has_a_negative_wait() -> None:
    turn = {**TURN, "first_audio_ns": SPEECH_END - 300 * MS, "audible_ns": SPEECH_END - 200 * MS}
    figure = turn_timeline.draw(turn, None, None)
    assert "-200 ms" in [text.get_text() for text in figure.axes[0].texts]
