import numpy as np
import pytest

from rtbench.core.audio import PCM16, PCMU, Audio
from rtbench.core.errors import UsageError
from rtbench.core.impairment import Conditions
from rtbench.core.script import Listen, Say
from rtbench.corpus.manifest import Role
from rtbench.corpus.writer import NewClip, write_corpus
from rtbench.dialects.openai_ga import OPENAI_GA
from rtbench.engine.plan import Plan
from rtbench.engine.target import Target

TARGET = Target("http://127.0.0.1:9/v1")
SCENARIO = """\
name: plain
corpus: tones
frame: 20 ms
session: {turn_detection: {type: server_vad}}
conversation:
  - say: {role: question}
  - listen
"""


def tone(length_ms: int) -> np.ndarray:
    """A beep with 40 ms of silence on either side."""
    beep = 8_000 * np.sin(np.arange(length_ms * 24) / 10)
    edge = np.zeros(40 * 24)
    return np.concatenate((edge, beep, edge)).astype(np.int16)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a corpus of two questions and room tone."""
    folder = tmp_path_factory.mktemp("plans")
    clips = [
        NewClip("question_a", Role.QUESTION, "voice a", "a", "CC0-1.0", tone(120)),
        NewClip("question_b", Role.QUESTION, "voice b", "b", "CC0-1.0", tone(200)),
        NewClip("room", Role.SILENCE, "none", "", "CC0-1.0", np.full(60 * 24, 3, np.int16)),
    ]
    write_corpus(folder / "tones", "tones", "en", PCM16.rate_hz, clips)
    return folder


@pytest.fixture
def plan_of(folder, tmp_path_factory):
    """A plan of a scenario written beside the corpus."""

    def make(text: str) -> Plan:
        path = folder / "scenario.yaml"
        path.write_text(text)
        return Plan(path, TARGET)

    return make


def test_a_plan_has_the_scenario_its_corpus_and_the_targets_dialect(plan_of) -> None:
    plan = plan_of(SCENARIO)
    assert (plan.scenario.name, plan.corpus.manifest.name) == ("plain", "tones")
    assert plan.dialect is OPENAI_GA
    assert plan.frame_ns == 20_000_000


def test_equal_seeds_give_equal_conversations_and_others_differ(plan_of) -> None:
    plan = plan_of(SCENARIO)
    assert plan.script(5) == plan.script(5)
    drawn = {plan.script(seed).steps[0].clip.name for seed in range(20)}
    assert drawn == {"question_a", "question_b"}
    assert [type(step) for step in plan.script(5).steps] == [Say, Listen]


def test_a_clip_is_its_append_messages_one_a_frame(plan_of) -> None:
    plan = plan_of(SCENARIO)
    messages = plan.messages(plan.corpus.clip("question_a"))
    samples = plan.corpus.samples("question_a").astype("<i2").tobytes()
    assert len(messages) == 10
    first = OPENAI_GA.append_message(Audio(samples[: 20 * 24 * 2]))
    assert messages[0] == first


def test_frames_are_made_once_and_shared_by_all_calls(plan_of) -> None:
    plan = plan_of(SCENARIO)
    plan.encode_clips()
    first, second = plan.script(1), plan.script(1)
    assert plan.messages(first.steps[0].clip) is plan.messages(second.steps[0].clip)
    assert plan.silence() is plan.silence()


def test_encoding_reads_every_clip_that_may_be_played(plan_of, monkeypatch) -> None:
    plan = plan_of(SCENARIO)
    plan.encode_clips()

    def read(name: str):
        raise AssertionError(f"{name} was read in mid-run")

    monkeypatch.setattr(plan.corpus, "samples", read)
    for seed in range(20):
        assert plan.messages(plan.script(seed).steps[0].clip)
    assert len(plan.silence()) == 3


def test_frames_are_in_the_sessions_input_format(plan_of) -> None:
    plan = plan_of(SCENARIO.replace("{turn_detection: {type: server_vad}}", "{input_format: audio/pcmu}"))
    codec = OPENAI_GA.server_codec()
    event = codec.decode(plan.messages(plan.corpus.clip("question_a"))[0])
    assert event.audio.size_bytes == PCMU.rate_hz // 50


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("listen", "lisen", r"scenario\.yaml:7: .*lisen"),
        ("corpus: tones", "corpus: nowhere", r"scenario\.yaml:2: corpus: corpus 'nowhere' was not found"),
        ("role: question", "role: yes_no", r"scenario\.yaml:6: .*no clip of role 'yes_no'"),
        ("role: question", "clip: question_c", r"scenario\.yaml:6: .*question_[ab]"),
    ],
)
def test_a_scenario_that_cannot_be_used_is_refused_with_file_and_line(plan_of, old, new, sentence) -> None:
    with pytest.raises(UsageError, match=sentence) as refusal:
        plan_of(SCENARIO.replace(old, new))
    assert "\n" not in str(refusal.value)


def test_a_scenario_that_is_not_there_is_refused(tmp_path) -> None:
    with pytest.raises(UsageError, match=r"absent\.yaml"):
        Plan(tmp_path / "absent.yaml", TARGET)


def test_a_clip_that_cannot_be_read_is_refused_before_any_call(folder, plan_of, tmp_path) -> None:
    plan = plan_of(SCENARIO)
    file = folder / "tones" / "clips" / "question_b.flac"
    whole = file.read_bytes()
    file.write_bytes(b"no audio")
    try:
        with pytest.raises(UsageError, match=r"question_b\.flac"):
            plan.encode_clips()
    finally:
        file.write_bytes(whole)


# Over WebRTC.


def test_over_webrtc_a_clip_is_packets_of_20_ms_shared_by_all(plan_of) -> None:
    plan = plan_of(SCENARIO.replace("frame: 20 ms", "transport: webrtc"))
    plan.encode_clips()
    clip = next(step.clip for step in plan.script(1).steps if isinstance(step, Say))

    packets = plan.messages(clip)
    assert plan.frame_ns == 20_000_000
    assert len(packets) == -(-clip.duration_ns // plan.frame_ns)
    assert plan.messages(clip) is packets
    assert len(plan.silence()) == 3
    assert plan.script(1).streamed and plan.script(1).prebuffer_ns == 40_000_000


def test_the_command_line_goes_before_the_scenario(plan_of, folder) -> None:
    plan_of(SCENARIO)
    plan = Plan(folder / "scenario.yaml", TARGET, "webrtc", "pcmu")
    clip = next(step.clip for step in plan.script(1).steps if isinstance(step, Say))

    assert {len(packet) for packet in plan.messages(clip)} == {160}
    assert plan.script(1).session.input_format is PCMU


def test_a_key_is_asked_for_with_the_session_and_its_model_but_no_format(plan_of) -> None:
    text = SCENARIO.replace("frame: 20 ms", "transport: webrtc").replace(
        "{turn_detection:", "{voice: cedar, turn_detection:"
    )

    assert plan_of(text).session == {
        "type": "realtime",
        "model": "gpt-realtime",
        "audio": {"input": {"turn_detection": {"type": "server_vad"}}, "output": {"voice": "cedar"}},
    }


def test_a_plan_that_may_fall_back_has_its_clips_in_both_codecs(plan_of) -> None:
    adaptive = "transport: webrtc\nnetwork_alert: {adaptive_codec: true}"
    plan = plan_of(SCENARIO.replace("frame: 20 ms", adaptive))
    plan.encode_clips()
    clip = next(step.clip for step in plan.script(1).steps if isinstance(step, Say))

    assert plan.fallback is not None
    assert (plan.scenario.codec, plan.fallback.scenario.codec) == ("opus", "pcmu")
    assert {len(packet) for packet in plan.fallback.messages(clip)} == {160}
    assert {len(packet) for packet in plan.messages(clip)} != {160}
    assert plan.fallback.fallback is None
    assert plan.fallback.corpus is plan.corpus


@pytest.mark.parametrize("written", ["frame: 20 ms", "transport: webrtc", "transport: webrtc\ncodec: pcma"])
def test_without_being_asked_or_without_opus_nothing_is_fallen_back_to(plan_of, written) -> None:
    assert plan_of(SCENARIO.replace("frame: 20 ms", written)).fallback is None


def test_a_scenario_without_a_network_has_none_and_one_that_changes_to_one_begins_behind_nothing(
    plan_of,
) -> None:
    assert plan_of(SCENARIO).network(1, 0) is None
    assert plan_of(SCENARIO + "network: 4g\n").network(1, 0).conditions.name == "4g"
    changing = SCENARIO.replace(
        "  - listen", "  - repeat: {times: 2, steps: [{network: satellite}]}\n  - listen"
    )
    begun = plan_of(changing).network(1, 0)
    assert begun.conditions == Conditions()
