import binascii

import pytest

from rtbench.core.audio import AUDIO_FORMATS, PCM16, PCMA, PCMU, Audio


def test_formats_are_found_by_the_name_that_the_api_gives_them() -> None:
    assert AUDIO_FORMATS == {"audio/pcm": PCM16, "audio/pcmu": PCMU, "audio/pcma": PCMA}


@pytest.mark.parametrize(
    ("fmt", "size_bytes", "samples", "duration_ns"),
    [
        (PCM16, 48_000, 24_000, 1_000_000_000),
        (PCM16, 1_921, 960, 40_000_000),
        (PCM16, 1, 0, 0),
        (PCMU, 160, 160, 20_000_000),
        (PCMA, 8_000, 8_000, 1_000_000_000),
    ],
)
def test_sizes_samples_and_durations_agree(fmt, size_bytes, samples, duration_ns) -> None:
    assert fmt.samples(size_bytes) == samples
    assert fmt.duration_ns(size_bytes) == duration_ns
    assert fmt.size_bytes(samples) == size_bytes - size_bytes % fmt.bytes_per_sample


@pytest.mark.parametrize("data", [b"", b"\x00", b"\x00\xff", b"\xfb\xef\xbe", b"voice"])
def test_bytes_become_base64_and_come_back(data) -> None:
    text = Audio(data).base64

    assert text == binascii.b2a_base64(data, newline=False)
    assert Audio(base64=text).data == data
    assert Audio(base64=text.decode()) == Audio(data)


@pytest.mark.parametrize("size_bytes", range(8))
def test_the_size_is_known_without_decoding(size_bytes) -> None:
    data = bytes(size_bytes)

    assert Audio(data).size_bytes == size_bytes
    assert Audio(base64=binascii.b2a_base64(data, newline=False)).size_bytes == size_bytes


def test_a_payload_is_encoded_and_decoded_once() -> None:
    encoded, decoded = Audio(b"voice"), Audio(base64=b"dm9pY2U=")

    assert encoded.base64 is encoded.base64
    assert decoded.data is decoded.data


@pytest.mark.parametrize("text", ["dm9p!2U=", "dm9pY2U", "dm9p Y2U="])
def test_invalid_base64_is_an_error_of_the_reader(text) -> None:
    with pytest.raises(ValueError):
        _ = Audio(base64=text).data


def test_audio_takes_exactly_one_form() -> None:
    with pytest.raises(ValueError, match="either bytes or base64"):
        Audio()
    with pytest.raises(ValueError, match="either bytes or base64"):
        Audio(b"voice", base64="dm9pY2U=")


def test_equal_audio_hashes_alike_and_shows_its_size_only() -> None:
    assert hash(Audio(b"voice")) == hash(Audio(base64="dm9pY2U="))
    assert Audio(b"voice") != Audio(b"noise")
    assert Audio(b"voice") != b"voice"
    assert repr(Audio(b"voice")) == "Audio(5 bytes)"
