"""Clips of a scenario: all that it may use, and the line of one that the corpus has not."""

from pathlib import Path
from textwrap import dedent

import pytest

from rtbench.core.errors import UsageError
from rtbench.core.script import Clip
from rtbench.corpus.manifest import Role
from rtbench.scenario.clip_choice import ClipChoice
from rtbench.scenario.clips import candidates, check_clips, open_corpus, script_clips, script_sounds
from rtbench.scenario.load import validate_scenario
from rtbench.scenario.model import Scenario
from rtbench.scenario.source import Source
from rtbench.scenario.speech import Hesitation


class Shelf:
    """A corpus without files: clips are named `role_voice`; Bob's have a pause of 150 ms, Ann's one of 149."""

    CLIPS = ("question_ann", "question_bob", "yes_no_ann", "statement_ann", "statement_bob", "cough_ann")

    def clip(self, name: str) -> Clip:
        if name not in self.CLIPS:
            raise UsageError(f"no clip '{name}'")
        role, voice = name.rsplit("_", 1)
        hold_ms = 150 if voice == "bob" else 149
        return Clip(name, 10**9, 1, 9 * 10**8, ((10, 10 + hold_ms * 10**6),), role=role, voice=voice)

    def names(self, role: Role) -> tuple[str, ...]:
        return tuple(name for name in self.CLIPS if name.startswith(role))


def scenario(conversation: str) -> Scenario:
    text = "name: x\nconversation:\n" + dedent(conversation)
    return validate_scenario(Source.parse(text, Path("x.yaml")))


def told(conversation: str) -> str:
    with pytest.raises(UsageError) as caught:
        check_clips(scenario(conversation), Shelf())
    return str(caught.value)


def test_a_draw_is_among_the_clips_of_its_role_and_voice() -> None:
    assert candidates(ClipChoice(role=Role.QUESTION), Shelf()) == ("question_ann", "question_bob")
    assert candidates(ClipChoice(role=Role.QUESTION, voice="bob"), Shelf()) == ("question_bob",)
    assert candidates(ClipChoice(role=Role.QUESTION, voice="eve"), Shelf()) == ()
    assert candidates(ClipChoice(any_of=["b", "a"]), Shelf()) == ("b", "a")
    assert candidates(ClipChoice(clip="a"), Shelf()) == ("a",)


def test_a_hesitant_utterance_is_drawn_among_clips_with_long_pauses() -> None:
    assert candidates(Hesitation(role=Role.STATEMENT), Shelf()) == ("statement_bob",)
    assert candidates(ClipChoice(role=Role.STATEMENT), Shelf()) == ("statement_ann", "statement_bob")


def test_all_clips_are_found_in_groups_and_branches_too() -> None:
    found = script_clips(
        scenario("""\
            - say: yes_no_ann
            - listen
            - repeat:
                times: 2
                steps:
                  - choose:
                      - steps: [say: {role: question}]
                      - steps: [say: {any_of: [statement_bob, yes_no_ann]}]
            """),
        Shelf(),
    )
    assert found == {"yes_no_ann", "question_ann", "question_bob", "statement_bob"}


def test_each_clip_is_found_at_every_level_at_which_it_is_played() -> None:
    written = "- say: yes_no_ann\n- mumble: yes_no_ann\n- cough: {heard: 1 s, level: -6 dB}\n- listen\n"
    assert script_sounds(scenario(written), Shelf()) == {
        ("yes_no_ann", 0.0),
        ("yes_no_ann", -20.0),
        ("cough_ann", -6.0),
    }
    assert script_clips(scenario(written), Shelf()) == {"yes_no_ann", "cough_ann"}


def test_clips_that_are_all_there_pass() -> None:
    check_clips(scenario("- say: yes_no_ann\n- say: {role: question, voice: bob}\n"), Shelf())


@pytest.mark.parametrize(
    ("conversation", "sentence"),
    [
        ("- listen\n- say: yse\n", "x.yaml:4: conversation[1].say: no clip 'yse'"),
        (
            "- say: {any_of: [yes_no_ann,\n    yse]}\n",
            "x.yaml:4: conversation[0].say.any_of[1]: no clip 'yse'",
        ),
        (
            "- say: {role: noise}\n",
            "x.yaml:3: conversation[0].say.role: the corpus has no clip of role 'noise'",
        ),
        (
            "- repeat: {times: 1, steps: [{say: {role: question, voice: anna}}]}\n",
            "x.yaml:3: conversation[0].repeat.steps[0].say.role: "
            "the corpus has no clip of role 'question' in voice 'anna'; did you mean 'ann'?",
        ),
        (
            "- choose:\n  - steps: [listen]\n  - steps:\n    - say: yse\n",
            "x.yaml:6: conversation[0].choose[1].steps[0].say: no clip 'yse'",
        ),
        (
            "- say: yes_no_ann\n- click\n- listen\n",
            "x.yaml:4: conversation[1].click.role: the corpus has no clip of role 'click'",
        ),
        (
            "- listen\n- hesitate: yes_no_ann\n",
            "x.yaml:4: conversation[1].hesitate: "
            "clip 'yes_no_ann' has no labelled pause of 150 ms or more inside its speech",
        ),
        (
            "- hesitate:\n    any_of:\n    - statement_bob\n    - yes_no_ann\n",
            "x.yaml:6: conversation[0].hesitate.any_of[1]: "
            "clip 'yes_no_ann' has no labelled pause of 150 ms or more inside its speech",
        ),
        (
            "- hesitate: {voice: ann}\n",
            "x.yaml:3: conversation[0].hesitate.role: the corpus has no clip of role 'statement' "
            "in voice 'ann' with a labelled pause of 150 ms or more inside its speech",
        ),
    ],
)
def test_a_clip_that_is_not_there_is_told_with_file_line_and_key(conversation: str, sentence: str) -> None:
    assert told(conversation) == sentence


def test_a_scenario_made_in_memory_names_itself_instead_of_a_file() -> None:
    made = Scenario.model_validate({"name": "x", "conversation": [{"say": "yse"}]})
    with pytest.raises(UsageError, match=r"^scenario 'x': conversation\[0\].say: no clip 'yse'$"):
        check_clips(made, Shelf())


def test_the_shipped_corpus_is_opened_by_name() -> None:
    assert open_corpus(scenario("- listen\n")).manifest.name == "english"


def test_an_unknown_corpus_is_told_with_file_and_line() -> None:
    text = "name: x\ncorpus: englsih\nconversation: [listen]\n"
    with pytest.raises(UsageError, match=r"^x\.yaml:2: corpus: .*englsih.*did you mean 'english'\?$"):
        open_corpus(validate_scenario(Source.parse(text, Path("x.yaml"))))
