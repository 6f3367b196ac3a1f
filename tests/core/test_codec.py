"""Codecs: their numbers by the standards that fix them."""

import pytest

from rtbench.core.codec import CODECS, G711_A, G711_MU, OPUS


def test_codecs_go_by_the_name_that_a_scenario_gives() -> None:
    assert CODECS == {"opus": OPUS, "pcmu": G711_MU, "pcma": G711_A}


@pytest.mark.parametrize(
    ("name", "clock_rate_hz", "rate_hz", "samples", "ticks"),
    [
        ("opus", 48_000, 24_000, 480, 960),
        ("pcmu", 8_000, 8_000, 160, 160),
        ("pcma", 8_000, 8_000, 160, 160),
    ],
)
def test_a_packet_lasts_20_ms(name, clock_rate_hz, rate_hz, samples, ticks) -> None:
    codec = CODECS[name]

    assert (codec.clock_rate_hz, codec.rate_hz) == (clock_rate_hz, rate_hz)
    assert (codec.packet_samples, codec.packet_ticks) == (samples, ticks)
    assert codec.ticks_ns(codec.packet_ticks) == 20_000_000


def test_g711_has_the_payload_types_of_rfc_3551() -> None:
    assert (G711_MU.payload_type, G711_A.payload_type) == (0, 8)


def test_opus_is_declared_stereo_and_has_a_dynamic_payload_type() -> None:
    assert OPUS.channels == 2
    assert 96 <= OPUS.payload_type <= 127
