"""Networks as a scenario writes them."""

from __future__ import annotations

import random
from dataclasses import fields, replace

import pytest
from pydantic import TypeAdapter, ValidationError

from rtbench.core.delay_variation import delay_variation
from rtbench.core.impairment import Conditions
from rtbench.core.impairment import Network as Simulated
from rtbench.core.impairment_presets import PRESETS
from rtbench.scenario.network import ChangeNetwork, Network, NetworkField

ADAPTER = TypeAdapter(NetworkField)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_by_its_name(name: str) -> None:
    assert ADAPTER.validate_python(name).conditions == PRESETS[name]


def test_a_preset_with_changes() -> None:
    found = ADAPTER.validate_python({"preset": "4g", "loss": 0.02, "delay": "80 ms"}).conditions

    assert found == replace(PRESETS["4g"], name="4g, changed", loss=0.02, delay_ms=80.0)


def test_numbers_alone() -> None:
    found = ADAPTER.validate_python({"delay": "20 ms", "jitter": "5 ms", "up_kbps": 64.0}).conditions

    assert found == Conditions(name="own", delay_ms=20.0, jitter_ms=5.0, up_kbps=64.0)


def test_what_a_call_will_ask_of_it_is_known_from_then_on() -> None:
    """Solving for the variation of the delay would hold the loop of all calls."""
    found = ADAPTER.validate_python({"delay": "61 ms", "jitter": "7 ms", "loss": 0.03}).conditions
    solved = delay_variation.cache_info().misses

    simulated = Simulated(found, random.Random, start_ns=0)
    simulated.up.datagram(100, 0)
    simulated.down.stream(100, 0)

    assert delay_variation.cache_info().misses == solved


def test_a_preset_can_be_written_in_full() -> None:
    congested = {
        "delay": "100 ms",
        "jitter": "20 ms",
        "loss": "3 %",
        "burst": 12,
        "loss_in_burst": "50 %",
        "reordering": "0.5 %",
        "up_kbps": 1_000,
        "down_kbps": 5_000,
        "queue": "500 ms",
    }
    preset = PRESETS["congested"]

    found = ADAPTER.validate_python(congested).conditions
    assert found == replace(preset, name="own", source="")


def test_every_number_of_the_model_can_be_written() -> None:
    named = {"delay": "delay_ms", "jitter": "jitter_ms", "queue": "queue_ms"}
    named |= {"outage_every": "outage_every_ms", "outage": "outage_ms"}
    written = {named.get(name, name) for name in Network.model_fields} - {"preset"}

    assert written == {field.name for field in fields(Conditions)} - {"name", "source"}


@pytest.mark.parametrize(
    ("written", "conditions"),
    [
        ("satellite", PRESETS["satellite"]),
        ({"preset": "4g", "loss": "2%"}, replace(PRESETS["4g"], name="4g, changed", loss=0.02)),
        ("none", Conditions()),
        (None, Conditions()),
    ],
)
def test_a_step_changes_to_a_network_or_to_none(written, conditions: Conditions) -> None:
    assert ChangeNetwork.model_validate({"network": written}).step.conditions == conditions


def test_none_is_the_real_network() -> None:
    assert ADAPTER.validate_python(None) is None


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("5g", "unknown preset '5g'"),
        ({"delay": "5 ms", "jitter": "9 ms"}, "9 ms of jitter need a mean delay of at least 11 ms"),
        ({"outage_every": "5 s", "outage": "5 s"}, "lasts as long as the periods"),
        (7, "must be the name of a preset"),
        ({"loss": 1.0}, "less than 1"),
        ({"loss": 0.3, "loss_in_burst": 0.3}, "must be more than the loss of 0.3"),
        ({"preset": "congested", "loss": 0.6}, "loss_in_burst|must be"),
    ],
)
def test_what_makes_no_sense_is_told(written, sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        ADAPTER.validate_python(written)
