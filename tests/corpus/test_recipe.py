"""Recipes: pauses within texts, and what is said of a recipe that cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from rtbench.core.errors import UsageError
from rtbench.corpus.folder import SHIPPED_CORPORA
from rtbench.corpus.manifest import Role
from rtbench.corpus.recipe import SpokenClip, read_recipe

RECIPE = """\
name: small
language: en
licence: CC0-1.0
voices:
  rms: {program: flite, voice: rms}
speech:
  - {name: hours, role: question, voice: rms, text: "What time [600 ms] do you open?"}
sounds:
  - {name: knock, role: click, sound: click, duration_ms: 60}
"""


def refusal(tmp_path: Path, text: str) -> str:
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        read_recipe(path)
    return str(caught.value).removeprefix(f"{tmp_path}/")


def test_a_recipe_is_read(tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    recipe = read_recipe(tmp_path / "recipe.yaml")
    assert recipe.speech[0].role is Role.QUESTION
    assert recipe.sounds[0].duration_ms == 60


def test_pauses_divide_a_text_into_phrases() -> None:
    clip = SpokenClip(name="a", role=Role.STATEMENT, voice="rms", text="Well, [300 ms] I think [150 ms] so.")
    assert clip.phrases() == ["Well,", "I think", "so."]
    assert clip.pauses_ms() == [300, 150]
    assert clip.plain_text() == "Well, I think so."


def test_a_text_without_pauses_is_one_phrase() -> None:
    clip = SpokenClip(name="a", role=Role.STATEMENT, voice="rms", text="Good morning.")
    assert (clip.phrases(), clip.pauses_ms()) == (["Good morning."], [])


def test_a_pause_in_another_form_is_refused(tmp_path: Path) -> None:
    said = refusal(tmp_path, RECIPE.replace("[600 ms]", "[0.6 s]"))
    assert said == "recipe.yaml: speech[0].text: a pause inside a text is written as [600 ms]"


def test_an_unknown_voice_is_refused(tmp_path: Path) -> None:
    said = refusal(tmp_path, RECIPE.replace("voice: rms, text", "voice: bob, text"))
    assert said == "recipe.yaml: clip 'hours' has the voice 'bob', which is not among voices"


def test_a_name_given_twice_is_refused(tmp_path: Path) -> None:
    assert (
        refusal(tmp_path, RECIPE.replace("knock", "hours"))
        == "recipe.yaml: the name 'hours' is given to two clips"
    )


def test_a_speaking_rate_is_for_espeak_only(tmp_path: Path) -> None:
    said = refusal(tmp_path, RECIPE.replace("voice: rms}", "voice: rms, words_per_minute: 150}", 1))
    assert said == "recipe.yaml: voices.rms: words_per_minute is for espeak-ng only"


def test_a_clip_may_have_a_speaking_rate_of_its_own(tmp_path: Path) -> None:
    text = RECIPE.replace("flite, voice: rms}", "espeak-ng, voice: en-us, words_per_minute: 170}").replace(
        "role: question,", "role: question, words_per_minute: 260,"
    )
    (tmp_path / "recipe.yaml").write_text(text)
    recipe = read_recipe(tmp_path / "recipe.yaml")
    (clip,) = recipe.speech
    assert recipe.voice_of(clip).words_per_minute == 260
    assert recipe.voice_of(clip.model_copy(update={"words_per_minute": None})).words_per_minute == 170


def test_a_clip_s_speaking_rate_is_for_espeak_only_too(tmp_path: Path) -> None:
    said = refusal(tmp_path, RECIPE.replace("role: question,", "role: question, words_per_minute: 260,"))
    assert said == "recipe.yaml: clip 'hours' has words_per_minute, which is for espeak-ng only"


@pytest.mark.parametrize("sound", ["click, key: '5'", "dtmf"])
def test_a_key_goes_with_dtmf(tmp_path: Path, sound: str) -> None:
    said = refusal(tmp_path, RECIPE.replace("sound: click", f"sound: {sound}"))
    assert said == "recipe.yaml: sounds[0]: a key goes with dtmf, and dtmf with a key"


def test_broken_yaml_is_told_with_its_line(tmp_path: Path) -> None:
    assert refusal(tmp_path, "name: small\nvoices: {rms: [\n").startswith("recipe.yaml:3: not valid YAML")


def test_a_missing_recipe_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"recipe\.yaml cannot be read"):
        read_recipe(tmp_path / "recipe.yaml")


def test_no_caller_of_the_shipped_recipe_has_the_agents_voice() -> None:
    recipe = read_recipe(SHIPPED_CORPORA / "english/recipe.yaml")
    agents = {clip.voice for clip in recipe.speech if clip.role is Role.REPLY}
    callers = {clip.voice for clip in recipe.speech if clip.role is not Role.REPLY}
    assert len(agents) == 1
    assert not agents & callers
