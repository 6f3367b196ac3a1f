import numpy as np
import pytest

from rtbench.report.figures import interruption_timeline
from rtbench.report.figures.canvas import ORANGE, VERMILLION
from rtbench.report.figures.lanes import Envelope

MS = 1_000_000
ONSET = 9_000 * MS
STIMULUS = {
    "response_id": "resp_1",
    "onset_ns": ONSET,
    "end_ns": ONSET + 900 * MS,
    "speech_started_ns": ONSET + 180 * MS,
    "flushed_ns": ONSET + 181 * MS,
    "cancel_sent_ns": None,
    "cancelled_ns": ONSET + 230 * MS,
    "last_audio_ns": ONSET + 290 * MS,
    "silent_ns": ONSET + 182 * MS,
    "answer_audible_ns": ONSET + 1_400 * MS,
}
NEVER = dict.fromkeys(
    ("speech_started_ns", "flushed_ns", "cancelled_ns", "last_audio_ns", "answer_audible_ns")
)


def _marks(figure) -> dict[str, float]:
    return {
        text.get_text(): text.xy[0]
        for text in figure.axes[0].texts
        if hasattr(text, "xy") and text.get_text()
    }


def _lane(figure, name: str):
    return next((lane for lane in figure.axes[0].collections if lane.get_gid() == name), None)


def _texts(figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].texts]


def _colours(figure) -> list[tuple[float, ...]]:
    from matplotlib.colors import to_rgb

    spans = [patch for patch in figure.axes[0].patches if patch.get_alpha() == 0.16]
    return [to_rgb(patch.get_facecolor()) for patch in spans]


def test_every_event_stands_at_its_time_from_the_callers_first_sound() -> None:
    assert _marks(interruption_timeline.draw(STIMULUS, None, None)) == {
        "onset": 0,
        "detected · player emptied · silence heard": 180,
        "cancelled": 230,
        "last audio": 290,
        "new answer": 1_400,
    }


@pytest.mark.parametrize(("silent_ms", "colour"), [(182, ORANGE), (2_000, ORANGE), (2_001, VERMILLION)])
def test_how_long_the_agent_was_heard_is_written_out_and_red_beyond_two_seconds(
    silent_ms: int, colour: str
) -> None:
    from matplotlib.colors import to_rgb

    figure = interruption_timeline.draw(STIMULUS | {"silent_ns": ONSET + silent_ms * MS}, None, None)
    assert f"{silent_ms:,} ms" in _texts(figure)
    assert _colours(figure) == [to_rgb(colour)]


def test_a_missed_interruption_is_drawn_for_nine_seconds_and_told_in_full() -> None:
    figure = interruption_timeline.draw(STIMULUS | NEVER | {"silent_ns": ONSET + 15_000 * MS}, None, None)
    assert figure.axes[0].get_xlim()[1] == interruption_timeline.LONGEST_MS
    assert "15,000 ms" in _texts(figure)
    assert "silence heard" not in _marks(figure)


def test_voices_that_were_not_kept_are_blocks_until_they_fell_silent() -> None:
    figure = interruption_timeline.draw(STIMULUS, None, None)
    caller, agent = (_lane(figure, name).get_paths()[0].vertices[:, 0] for name in ("caller", "agent"))
    assert (caller.min(), caller.max()) == (0, 900)
    assert agent.max() == 182


def test_a_sound_into_silence_has_no_span_and_no_agent() -> None:
    figure = interruption_timeline.draw(STIMULUS | NEVER | {"response_id": "", "silent_ns": None}, None, None)
    assert _colours(figure) == []
    assert _lane(figure, "agent") is None


def test_a_kept_voice_lies_where_it_was_heard() -> None:
    agent = Envelope(ONSET - 400 * MS, 10.0, np.ones(58))
    at_ms = _lane(interruption_timeline.draw(STIMULUS, None, agent), "agent").get_paths()[0].vertices[:, 0]
    assert (at_ms.min(), at_ms.max()) == (-400, 170)
