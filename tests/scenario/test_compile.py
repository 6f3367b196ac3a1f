"""Drawing a conversation: groups, weights, clips and think time, all by the seed."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from rtbench.core.audio import PCMU
from rtbench.core.impairment import Conditions
from rtbench.core.impairment_presets import PRESETS
from rtbench.core.script import (
    ChangeNetwork,
    Clip,
    Disturb,
    Interrupt,
    Listen,
    Moment,
    Pause,
    Say,
    Script,
    StaySilent,
    Step,
)
from rtbench.corpus.manifest import Role
from rtbench.scenario.clips import open_corpus, script_clips
from rtbench.scenario.compile import compile_script, session_seed
from rtbench.scenario.load import load_scenario
from rtbench.scenario.model import Scenario

SCENARIOS = sorted((Path(__file__).parents[2] / "scenarios").glob("*.yaml"))


class Shelf:
    """A corpus that has every clip, and three of every role."""

    def clip(self, name: str) -> Clip:
        return Clip(name, 10**9, 1, 9, holds=((1, 200_000_001),))

    def names(self, role: Role) -> tuple[str, ...]:
        return tuple(f"{role}_{number}" for number in range(3))


def script(*steps: Any, seed: int = 1, **settings: Any) -> Script:
    written = {"name": "x", "think_time": "0 s", "conversation": list(steps), **settings}
    return compile_script(Scenario.model_validate(written), Shelf(), seed)


def told(steps: tuple[Step, ...]) -> list[str]:
    """Steps in short: a clip's name, `listen`, or the milliseconds of a pause."""
    words = []
    for step in steps:
        match step:
            case Say(clip):
                words.append(clip.name)
            case Listen():
                words.append("listen")
            case Pause(duration_ns):
                words.append(f"{duration_ns / 1e6:g}")
            case Interrupt() | Disturb():
                words.append(f"{step.kind} {step.clip.name}")
            case StaySilent(duration_ns):
                words.append(f"silent {duration_ns / 1e6:g}")
    return words


MIXED = (
    {"say": {"role": "question"}},
    "listen",
    {"pause": "300 ms .. 900 ms"},
    {
        "repeat": {
            "times": 3,
            "steps": [{"choose": [{"steps": [{"say": "a"}]}, {"steps": [{"say": "b"}, "listen"]}]}],
        }
    },
)


@given(st.integers(0, 2**64 - 1))
def test_the_same_seed_draws_the_same_conversation(seed: int) -> None:
    assert script(*MIXED, seed=seed) == script(*MIXED, seed=seed)


def test_other_seeds_draw_other_conversations() -> None:
    drawn = {script(*MIXED, seed=seed).steps for seed in range(50)}
    assert len(drawn) == 50


def test_a_repeat_draws_anew_each_time() -> None:
    steps = script({"repeat": {"times": 60, "steps": [{"say": {"role": "question"}}]}}).steps
    assert set(told(steps)) == {"question_0", "question_1", "question_2"}
    assert len(steps) == 60


def test_groups_are_expanded_in_order() -> None:
    inner = {"repeat": {"times": 2, "steps": [{"say": "b"}, "listen"]}}
    steps = script({"say": "a"}, {"repeat": {"times": 2, "steps": [inner, {"say": "c"}]}}).steps
    once = ["b", "listen", "b", "listen", "c"]
    assert told(steps) == ["a", *once, *once]


def test_branches_are_drawn_by_their_weights() -> None:
    choice = {"choose": [{"weight": 3, "steps": [{"say": "a"}]}, {"weight": 1, "steps": [{"say": "b"}]}]}
    words = told(script({"repeat": {"times": 4000, "steps": [choice]}}).steps)
    assert binomtest(words.count("a"), len(words), 0.75).pvalue > 0.001


def test_clips_of_a_role_are_equally_likely() -> None:
    words = told(script({"repeat": {"times": 3000, "steps": [{"say": {"any_of": ["a", "b"]}}]}}).steps)
    assert binomtest(words.count("a"), len(words), 0.5).pvalue > 0.001


def test_a_branch_may_be_empty() -> None:
    assert told(script({"choose": [{"steps": []}]}, {"say": "a"}).steps) == ["a"]


def test_think_time_stands_before_each_utterance_that_follows_an_answer() -> None:
    steps = script({"say": "a"}, "listen", {"say": "b"}, {"say": "c"}, "listen", think_time="700 ms").steps
    assert told(steps) == ["a", "listen", "700", "b", "c", "listen"]


def test_think_time_reaches_into_groups() -> None:
    steps = script({"repeat": {"times": 2, "steps": [{"say": "a"}, "listen"]}}, think_time="700 ms").steps
    assert told(steps) == ["a", "listen", "700", "a", "listen"]


def test_a_written_pause_replaces_the_think_time() -> None:
    steps = script({"say": "a"}, "listen", {"pause": "2 s"}, {"say": "b"}, think_time="700 ms").steps
    assert told(steps) == ["a", "listen", "2000", "b"]


def test_nobody_thinks_before_speaking_into_an_answer() -> None:
    steps = script({"say": "a"}, "cough", "interrupt", "listen", think_time="700 ms").steps
    assert [word.split("_")[0] for word in told(steps)] == [
        "a",
        "cough cough",
        "interrupt interruption",
        "listen",
    ]


def test_think_time_comes_after_sounds_into_the_silence() -> None:
    cough = {"cough": {"clip": "c", "silent": True}}
    steps = script({"say": "a"}, "listen", cough, {"say": "b"}, "listen", think_time="700 ms").steps
    assert told(steps) == ["a", "listen", "cough c", "700", "b", "listen"]


def test_a_written_silence_replaces_the_think_time() -> None:
    steps = script({"say": "a"}, "listen", {"stay_silent": "8 s"}, {"say": "b"}, think_time="700 ms").steps
    assert told(steps) == ["a", "listen", "silent 8000", "b"]


@given(st.integers(0, 2**32))
def test_ranges_are_drawn_within_their_ends(seed: int) -> None:
    steps = script({"say": "a"}, "listen", {"say": "b"}, seed=seed, think_time="300 ms .. 900 ms").steps
    (pause,) = (step for step in steps if isinstance(step, Pause))
    assert 300_000_000 <= pause.duration_ns <= 900_000_000


def test_a_listen_without_timeout_has_the_scenario_s() -> None:
    steps = script("listen", {"listen": {"timeout": "3 s"}}, answer_timeout="7 s").steps
    assert steps == (Listen(7_000_000_000), Listen(3_000_000_000))


def test_an_utterance_that_asks_for_nothing_says_so() -> None:
    (cough,) = script({"say": {"clip": "cough", "expects_answer": False}}).steps
    assert cough == Say(Shelf().clip("cough"), expects_answer=False)


def test_speech_is_said_at_its_level_and_hesitant_speech_drawn_as_any() -> None:
    mumbled, hesitant = script({"mumble": "a"}, {"hesitate": {"clip": "b", "level": "-3 dB"}}).steps
    assert mumbled == Say(Shelf().clip("a"), gain_db=-20.0)
    assert hesitant == Say(Shelf().clip("b"), gain_db=-3.0)


def test_interruptions_come_at_their_moments() -> None:
    _, early, late, together, _ = script(
        {"say": "a"},
        {"interrupt": "b"},
        {"interrupt": {"clip": "c", "after": "2 s", "level": "-6 dB"}},
        {"overlap": "d"},
        "listen",
    ).steps
    assert early == Interrupt(Shelf().clip("b"), Moment(heard_ns=10**9))
    assert late == Interrupt(Shelf().clip("c"), Moment(elapsed_ns=2 * 10**9), gain_db=-6.0)
    assert together == Interrupt(Shelf().clip("d"), Moment(heard_ns=0), "overlap")


KINDS = ("backchannel", "cough", "noise", "side_talk", "click", "tone")


@pytest.mark.parametrize("kind", KINDS)
def test_disturbances_have_their_kind_and_a_clip_of_its_role(kind: str) -> None:
    silent, _, heard, _ = script(
        {kind: {"silent": True}}, {"say": "a"}, {kind: {"fraction": 0.5}}, "listen"
    ).steps
    assert isinstance(silent, Disturb)
    assert isinstance(heard, Disturb)
    assert (silent.kind, silent.moment) == (kind, None)
    assert (heard.kind, heard.moment) == (kind, Moment(fraction=0.5))
    assert silent.clip.name.startswith(f"{kind}_")


def test_a_pressed_button_is_an_utterance_or_with_a_moment_an_interruption() -> None:
    free, into, _ = script(
        {"push_to_talk": "a"},
        {"push_to_talk": {"clip": "b", "heard": "2 s"}},
        "listen",
        session={"turn_detection": None},
    ).steps
    assert free == Say(Shelf().clip("a"))
    assert into == Interrupt(Shelf().clip("b"), Moment(heard_ns=2 * 10**9))


@given(st.integers(0, 2**32))
def test_a_silence_is_drawn_within_its_range(seed: int) -> None:
    (silence,) = script({"stay_silent": "6 s .. 12 s"}, seed=seed).steps
    assert isinstance(silence, StaySilent)
    assert 6 * 10**9 <= silence.duration_ns <= 12 * 10**9


def test_session_and_player_come_along() -> None:
    drawn = script("listen", session={"input_format": "audio/pcmu"}, player={"prebuffer": "60 ms"})
    assert drawn.session.input_format == PCMU
    assert drawn.prebuffer_ns == 60_000_000


@pytest.mark.parametrize("policy", ["flush_on_speech_started", "passive"])
def test_the_application_s_policy_comes_along(policy: str) -> None:
    assert script("listen", policy=policy).policy == policy


def test_applications_flush_unless_the_scenario_says_otherwise() -> None:
    assert script("listen").policy == "flush_on_speech_started"


def test_conversations_of_a_run_have_seeds_of_their_own() -> None:
    seeds = {session_seed(seed, user, turn) for seed in range(3) for user in range(30) for turn in range(30)}
    assert len(seeds) == 3 * 30 * 30


def test_a_conversation_s_seed_is_the_same_in_every_process_and_version() -> None:
    assert session_seed(1, 0, 0) == 18281187348511699710


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_every_shipped_scenario_draws_conversations_with_answers(path: Path) -> None:
    scenario = load_scenario(path)
    corpus = open_corpus(scenario)
    usable = script_clips(scenario, corpus)
    scripts = [compile_script(scenario, corpus, session_seed(scenario.seed, user, 0)) for user in range(20)]
    for drawn in scripts:
        assert isinstance(drawn.steps[-1], Listen)
        assert {
            step.clip.name for step in drawn.steps if isinstance(step, Say | Interrupt | Disturb)
        } <= usable
    assert len({drawn.steps for drawn in scripts}) > 1


def test_there_are_shipped_scenarios() -> None:
    assert {path.stem for path in SCENARIOS} >= {
        *("quickstart", "support_call", "long_story", "yes_no_ping_pong", "hesitant_caller", "push_to_talk"),
        *("barge_in", "double_barge_in", "backchannel", "noisy_room", "side_talk", "hesitant_speaker"),
        *("fast_talker", "silence", "overlap_start", "vad_sweep"),
    }


def test_a_change_of_network_is_a_step_of_the_script_and_no_pause_before_the_next_word() -> None:
    found = script(
        {"say": "a"}, "listen", {"network": "satellite"}, {"say": "b"}, {"network": "none"}, think_time="1 s"
    )

    steps = [step.conditions if isinstance(step, ChangeNetwork) else step for step in found.steps]
    assert steps[2] == PRESETS["satellite"]
    assert steps[3] == Pause(10**9)
    assert steps[5] == Conditions()
