"""Drops, random drops and storms as a scenario writes them."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from rtbench.core import script
from rtbench.core.script import Moment
from rtbench.scenario.drop import Drop, RandomDrops, Storm


@pytest.mark.parametrize(
    ("written", "step"),
    [
        (None, script.Drop("reset", "now")),
        ("half_open", script.Drop("half_open", "now")),
        ({"how": "close", "when": "idle"}, script.Drop("close", "now")),
        ({"when": "mid_answer"}, script.Drop("reset", "mid_answer", Moment(heard_ns=500_000_000))),
        (
            {"when": "mid_answer", "heard": "2 s"},
            script.Drop("reset", "mid_answer", Moment(heard_ns=2_000_000_000)),
        ),
        ({"when": "mid_utterance"}, script.Drop("reset", "mid_utterance")),
        ({"how": "close", "when": "handshake"}, script.Drop("close", "handshake")),
    ],
)
def test_each_form_of_a_drop(written, step) -> None:
    assert Drop.model_validate({"drop": written}).step == step


@pytest.mark.parametrize("written", ["explode", {"when": "later"}, 3])
def test_other_forms_are_refused(written) -> None:
    with pytest.raises(ValidationError):
        Drop.model_validate({"drop": written})


def test_a_storm_s_share_is_a_number_or_per_cent() -> None:
    assert Storm.model_validate({"share": "50 %", "at": "5 s"}).share == 0.5
    assert Storm.model_validate({"share": 0.25, "at": "5 s"}).share == 0.25
    for share in ("half", 0, 1.5, "0 %"):
        with pytest.raises(ValidationError):
            Storm.model_validate({"share": share, "at": "5 s"})


def test_random_drops_need_at_least_one_way() -> None:
    assert RandomDrops.model_validate({"every": "5 s .. 9 s"}).how == ["reset"]
    with pytest.raises(ValidationError):
        RandomDrops.model_validate({"every": "5 s", "how": []})
