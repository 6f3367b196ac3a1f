import numpy as np
import pytest

from rtbench.corpus.manifest import ClipEntry, Role, Span
from rtbench.corpus.picture import draw

RATE_HZ = 24_000


def entry(samples: int, speech: tuple[float, float], *holds: tuple[float, float]) -> ClipEntry:
    def span(ends: tuple[float, float]) -> Span:
        return Span(start=round(ends[0] * RATE_HZ), end=round(ends[1] * RATE_HZ))

    return ClipEntry(
        name="clip", file="clip.flac", text="", voice="", role=Role.STATEMENT, samples=samples,
        speech=span(speech), holds=tuple(map(span, holds)), licence="", sha256="",
    )  # fmt: skip


def sound(*stretches: tuple[float, float]) -> np.ndarray:
    """So many seconds at so many dBFS each, as a square wave: its RMS is its amplitude."""
    parts = []
    for seconds, dbfs in stretches:
        amplitude = 32_768 * 10 ** (dbfs / 20)
        parts.append(np.tile([amplitude, -amplitude], round(seconds * RATE_HZ / 2)))
    return np.clip(np.round(np.concatenate(parts)), -32_768, 32_767).astype(np.int16)


def test_loudness_labels_and_length_stand_below_each_other() -> None:
    samples = sound((2, -90), (2, -29), (2, -90), (2, 0))
    bars, labels, scale = draw(entry(len(samples), (2, 8), (4, 6)), samples, RATE_HZ, width=16)
    assert bars == "    \u2585\u2585\u2585\u2585    \u2588\u2588\u2588\u2588"
    assert labels == "    \u2501\u2501\u2501\u2501\u00b7\u00b7\u00b7\u00b7\u2501\u2501\u2501\u2501"
    assert scale == "0         8.00 s"


@pytest.mark.parametrize("seconds", [0.01, 0.2, 7.3, 95.0])
def test_no_line_is_wider_than_the_terminal(seconds: float) -> None:
    samples = sound((seconds, -20))
    lines = draw(entry(len(samples), (0, seconds)), samples, RATE_HZ)
    assert max(map(len, lines)) <= 80
    assert lines[1].strip("\u2501") == ""


def test_a_click_of_some_milliseconds_is_seen() -> None:
    samples = sound((0.5, -90), (0.02, -20), (0.48, -90))
    bars, labels, _ = draw(entry(len(samples), (0.5, 0.52)), samples, RATE_HZ)
    assert bars.strip()
    assert labels.strip() == "\u2501" * len(labels.strip())


def test_a_room_is_drawn_as_nothing() -> None:
    samples = sound((1, -70))
    assert draw(entry(len(samples), (1, 1)), samples, RATE_HZ)[:2] == ["", ""]
