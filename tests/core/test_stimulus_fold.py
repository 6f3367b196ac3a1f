from typing import Any

import pytest

from rtbench.core.agent_voice import AgentVoice
from rtbench.core.audio import PCM16
from rtbench.core.json_fields import string
from rtbench.core.response_events import AudioDelta, ResponseDone
from rtbench.core.stimuli import Stimulus
from rtbench.core.stimulus_fold import StimulusFold

MS = 1_000_000
ONSET_MS, END_MS = 2_000, 2_600


class Scene:
    """Events by their milliseconds, around a sound from 2.0 to 2.6 s that was planned at 1.9 s."""

    def __init__(self, **stimulus: Any) -> None:
        self.voice = AgentVoice(PCM16, prebuffer_ns=0, listens_closely=True)
        self._planned = stimulus
        self.fold: StimulusFold | None = None

    def plan(self, at_ms: float = 1_900) -> StimulusFold:
        reply = self.voice.playing(round(at_ms * MS))
        stimulus = Stimulus(
            **{
                "number": 1,
                "turn": 1,
                "kind": "interrupt",
                "clip": "wait",
                "takes_turn": True,
                "response_id": reply.response_id if reply is not None else "",
                "onset_ns": ONSET_MS * MS,
                "end_ns": END_MS * MS,
                **self._planned,
            }
        )
        producing = reply is not None and not reply.is_over
        self.fold = StimulusFold(stimulus, self.voice, producing=producing)
        return self.fold

    def at(self, ms: float, *events: Any) -> None:
        now = round(ms * MS)
        for event in events:
            match event:
                case AudioDelta():
                    self.voice.receive(event, now)
                case ResponseDone():
                    self.voice.end(string(event.response, "id"), now)
            if self.fold is not None:
                self.fold.receive(event, now)

    def flush(self, ms: float, response_id: str = "r1") -> None:
        self.voice.flush(round(ms * MS))
        self.fold.flushed(response_id, round(ms * MS))

    def close(self, ms: float = 9_000) -> Stimulus:
        return self.fold.close(round(ms * MS))


@pytest.fixture
def spoken_into(agent) -> Scene:
    """An answer of 5 s, in the player since 1.0 s and still being produced."""
    scene = Scene()
    scene.at(1_000, agent.created(), agent.audio(5_000))
    scene.plan()
    return scene


def test_a_stimulus_that_nothing_follows(spoken_into) -> None:
    stimulus = spoken_into.close()
    instants = {
        stimulus.speech_started_ns,
        stimulus.flushed_ns,
        stimulus.cancel_sent_ns,
        stimulus.cancelled_ns,
        stimulus.silent_ns,
        stimulus.answer_created_ns,
        stimulus.answer_audible_ns,
        stimulus.resumed_ns,
        stimulus.truncate_sent_ns,
        stimulus.truncated_ns,
    }
    assert instants == {None}
    assert stimulus.was_producing
    assert stimulus.closed_ns == 9_000 * MS
    assert stimulus.unheard_ms == 4_000.0
    assert spoken_into.fold.replies == {"r1"}


def test_the_first_reaction_from_the_onset_on_counts(spoken_into, agent) -> None:
    spoken_into.at(1_999, agent.started, agent.created("r0"))
    spoken_into.at(2_000, agent.started, agent.created("r2"))
    spoken_into.at(2_100, agent.started, agent.created("r3"))
    stimulus = spoken_into.close()
    assert (stimulus.speech_started_ns, stimulus.answer_created_ns) == (2_000 * MS, 2_000 * MS)
    assert spoken_into.fold.replies == {"r1", "r2"}


def test_an_answer_that_was_complete_at_the_onset_is_not_being_produced(agent) -> None:
    scene = Scene()
    scene.at(1_000, agent.created(), agent.audio(5_000), agent.done())
    scene.plan()
    scene.flush(2_200)
    stimulus = scene.close()
    assert not stimulus.was_producing
    assert (stimulus.cancelled_ns, stimulus.unheard_ms) == (None, 4_000.0)
    assert (stimulus.flushed_ns, stimulus.silent_ns) == (2_200 * MS, 2_200 * MS)


def test_what_comes_after_the_onset_was_unheard_too(spoken_into, agent) -> None:
    spoken_into.at(3_000, agent.audio(1_500))
    assert spoken_into.close().unheard_ms == 5_500.0


def test_the_service_cancels_and_the_client_plays_on_what_it_has(spoken_into, agent) -> None:
    spoken_into.at(2_180, agent.started)
    spoken_into.at(2_240, agent.audio(300), agent.cancelled())
    stimulus = spoken_into.close()
    assert stimulus.cancelled_ns == stimulus.last_audio_ns == 2_240 * MS
    assert (stimulus.flushed_ns, stimulus.silent_ns) == (None, 6_300 * MS)
    assert (stimulus.stale_audio_ms, stimulus.stale_heard_ms) == (0.0, 0.0)


def test_stale_audio_is_received_and_heard_by_a_passive_client(spoken_into, agent) -> None:
    spoken_into.at(2_240, agent.cancelled())
    spoken_into.at(2_300, agent.audio(200))
    spoken_into.at(7_000, agent.audio(150))  # 800 ms after the player ran dry
    stimulus = spoken_into.close()
    assert (stimulus.stale_audio_ms, stimulus.stale_heard_ms) == (350.0, 350.0)
    assert (stimulus.last_audio_ns, stimulus.silent_ns) == (7_000 * MS, 7_150 * MS)


def test_stale_audio_after_a_flush_is_received_and_not_heard(spoken_into, agent) -> None:
    spoken_into.flush(2_180)
    spoken_into.at(2_240, agent.cancelled())
    spoken_into.at(2_300, agent.audio(200))
    stimulus = spoken_into.close()
    assert (stimulus.stale_audio_ms, stimulus.stale_heard_ms) == (200.0, 0.0)
    assert (stimulus.silent_ns, stimulus.unheard_ms) == (2_180 * MS, 4_200.0)


def test_stale_silence_is_received_and_not_audible(spoken_into, agent) -> None:
    spoken_into.at(2_240, agent.cancelled())
    spoken_into.at(2_300, agent.audio(200, silent=True))
    stimulus = spoken_into.close()
    assert (stimulus.stale_audio_ms, stimulus.stale_heard_ms) == (200.0, 0.0)
    assert stimulus.silent_ns == 6_000 * MS


def test_another_response_s_end_is_not_the_cancellation(spoken_into, agent) -> None:
    spoken_into.at(2_240, agent.cancelled("r0"), agent.done("r1"))
    assert spoken_into.close().cancelled_ns is None


def test_a_missed_interruption_hears_the_answer_to_its_end(spoken_into, agent) -> None:
    spoken_into.at(3_000, agent.done())
    stimulus = spoken_into.close()
    assert (stimulus.silent_ns, stimulus.cancelled_ns) == (6_000 * MS, None)


def test_the_agent_that_still_speaks_at_the_close_has_not_fallen_silent(spoken_into, agent) -> None:
    spoken_into.at(3_000, agent.done())
    assert spoken_into.close(5_999).silent_ns is None


def test_silence_is_dated_by_sound_even_before_the_onset(agent) -> None:
    scene = Scene()
    scene.at(1_000, agent.created(), agent.audio(500), agent.audio(2_000, silent=True))
    scene.plan()
    scene.flush(2_180)
    assert scene.close().silent_ns == (1_500 + 9) * MS


def test_an_answer_without_any_sound_never_falls_silent(agent) -> None:
    scene = Scene()
    scene.at(1_000, agent.created(), agent.audio(3_000, silent=True), agent.done())
    scene.plan()
    scene.flush(2_180)
    assert scene.close().silent_ns is None


# The new answer.


def test_the_new_answer_is_audible_when_its_first_sound_is(spoken_into, agent) -> None:
    spoken_into.flush(2_180)
    spoken_into.at(2_240, agent.cancelled())
    spoken_into.at(3_100, agent.created("r2"), agent.audio(300, "r2", silent=True))
    spoken_into.at(3_100, agent.audio(800, "r2"))
    stimulus = spoken_into.close()
    assert stimulus.answer_created_ns == 3_100 * MS
    assert stimulus.answer_audible_ns == stimulus.resumed_ns == (3_400 - 9) * MS


@pytest.mark.parametrize(("closed_ms", "is_audible"), [(3_390, False), (3_391, True)])
def test_an_answer_that_would_be_audible_after_the_close_was_not(
    spoken_into, agent, closed_ms, is_audible
) -> None:
    spoken_into.flush(2_180)
    spoken_into.at(3_100, agent.created("r2"), agent.audio(300, "r2", silent=True))
    spoken_into.at(3_100, agent.audio(800, "r2"))
    stimulus = spoken_into.close(closed_ms)
    assert (stimulus.answer_audible_ns is not None) is is_audible
    assert (stimulus.resumed_ns is not None) is is_audible


def test_an_answer_that_was_flushed_before_its_first_sound_was_never_audible(spoken_into, agent) -> None:
    spoken_into.flush(2_180)
    spoken_into.at(3_100, agent.created("r2"), agent.audio(300, "r2", silent=True))
    spoken_into.at(3_100, agent.audio(800, "r2"))
    spoken_into.voice.flush(3_200 * MS)
    stimulus = spoken_into.close()
    assert stimulus.answer_created_ns == 3_100 * MS
    assert stimulus.answer_audible_ns is stimulus.resumed_ns is None


def test_an_agent_that_was_silent_can_only_answer(agent) -> None:
    scene = Scene(kind="cough", takes_turn=False)
    scene.plan()
    scene.at(2_300, agent.started)
    scene.at(3_000, agent.created("r1"), agent.audio(500))
    stimulus = scene.close()
    assert (stimulus.response_id, stimulus.was_producing) == ("", False)
    assert (stimulus.silent_ns, stimulus.resumed_ns, stimulus.last_audio_ns) == (None, None, None)
    assert (stimulus.answer_created_ns, stimulus.answer_audible_ns) == (3_000 * MS, 3_000 * MS)


# What the application did.


def test_the_application_flushes_and_cancels_the_answer_once(spoken_into) -> None:
    spoken_into.flush(2_150, response_id="r0")
    spoken_into.fold.cancel_sent({"r0"}, 2_150 * MS)
    assert spoken_into.fold.stimulus.flushed_ns is spoken_into.fold.stimulus.cancel_sent_ns is None
    for ms in (2_180, 2_300):
        spoken_into.flush(ms)
        spoken_into.fold.cancel_sent({"r0", "r1"}, ms * MS)
    stimulus = spoken_into.close()
    assert (stimulus.flushed_ns, stimulus.cancel_sent_ns) == (2_180 * MS, 2_180 * MS)


def truncate(scene: Scene, ms: int) -> None:
    scene.fold.truncated("truncate_1", "i1", audio_end_ms=1_180, heard_ms=1_180.4, now=ms * MS)


def test_a_truncation_is_kept_with_the_service_s_answer(spoken_into, agent) -> None:
    spoken_into.at(2_100, agent.truncated("i1"), agent.refused(None))
    truncate(spoken_into, 2_180)
    spoken_into.at(2_210, agent.truncated("i0"))
    spoken_into.at(2_220, agent.truncated("i1"))
    spoken_into.at(2_400, agent.truncated("i1"))
    stimulus = spoken_into.close()
    assert (stimulus.truncate_sent_ns, stimulus.item_id) == (2_180 * MS, "i1")
    assert (stimulus.truncate_audio_end_ms, stimulus.truncate_heard_ms) == (1_180, 1_180.4)
    assert (stimulus.truncated_ns, stimulus.truncate_error) == (2_220 * MS, "")


@pytest.mark.parametrize(
    ("code", "kept"), [("invalid_value", "invalid_value"), (None, "invalid_request_error")]
)
def test_a_refusal_is_the_error_that_names_the_truncation_s_event(spoken_into, agent, code, kept) -> None:
    truncate(spoken_into, 2_180)
    spoken_into.at(2_210, agent.refused("truncate_2"), agent.refused(None))
    assert spoken_into.fold.stimulus.truncate_error == ""
    spoken_into.at(2_220, agent.refused("truncate_1", code))
    stimulus = spoken_into.close()
    assert (stimulus.truncate_error, stimulus.truncated_ns) == (kept, None)


def test_a_cancellation_by_hand_comes_before_the_first_sound_and_counts(spoken_into, agent) -> None:
    """A button is pressed before one speaks: the application acts at 1.9 s."""
    spoken_into.flush(1_900)
    truncate(spoken_into, 1_900)
    spoken_into.fold.cancel_sent({"r1"}, 1_900 * MS)
    spoken_into.at(1_940, agent.audio(100), agent.cancelled(reason="client_cancelled"), agent.truncated("i1"))
    spoken_into.at(1_960, agent.audio(50))
    stimulus = spoken_into.close()
    assert (stimulus.flushed_ns, stimulus.silent_ns) == (1_900 * MS, 1_900 * MS)
    assert (stimulus.cancelled_ns, stimulus.last_audio_ns) == (1_940 * MS, 1_960 * MS)
    assert (stimulus.truncated_ns, stimulus.stale_audio_ms) == (1_940 * MS, 50.0)


# The next sound.


def test_whatever_happens_from_the_next_sound_on_is_that_sound_s_effect(spoken_into, agent) -> None:
    spoken_into.fold.supersede(3_000 * MS)
    spoken_into.fold.supersede(3_500 * MS)
    spoken_into.at(3_000, agent.started, agent.created("r2"))
    spoken_into.flush(3_010)
    spoken_into.fold.cancel_sent({"r1"}, 3_010 * MS)
    spoken_into.at(3_060, agent.cancelled())
    assert not spoken_into.fold.concerns("r1", 3_000 * MS)
    stimulus = spoken_into.close()
    assert stimulus.closed_ns == 3_000 * MS
    assert stimulus.speech_started_ns is stimulus.answer_created_ns is stimulus.flushed_ns is None
    assert stimulus.cancelled_ns is stimulus.cancel_sent_ns is stimulus.silent_ns is None


def test_what_came_before_the_next_sound_stays(spoken_into, agent) -> None:
    spoken_into.at(2_180, agent.started)
    spoken_into.flush(2_180)
    truncate(spoken_into, 2_180)
    spoken_into.at(2_240, agent.cancelled())
    spoken_into.at(2_800, agent.created("r2"), agent.audio(900, "r2"))
    spoken_into.fold.supersede(3_000 * MS)
    spoken_into.at(3_100, agent.truncated("i1"))
    stimulus = spoken_into.close()
    assert (stimulus.silent_ns, stimulus.cancelled_ns) == (2_180 * MS, 2_240 * MS)
    assert (stimulus.answer_audible_ns, stimulus.truncated_ns) == (2_800 * MS, 3_100 * MS)


def test_a_sound_that_is_closed_before_the_next_one_was_made_is_closed_then(spoken_into) -> None:
    spoken_into.fold.supersede(3_000 * MS)
    assert spoken_into.close(2_950).closed_ns == 2_950 * MS
