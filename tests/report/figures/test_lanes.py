import numpy as np

from rtbench.report.figures import lanes
from rtbench.report.figures.canvas import ORANGE

MS = 1_000_000


def _axes(start_ms: float = -500, end_ms: float = 2_000):
    return lanes.new_lanes(start_ms, end_ms, "ms")[1]


def _labels(axes) -> dict[str, tuple[float, float]]:
    return {text.get_text(): text.xy for text in axes.texts if text.get_text() and hasattr(text, "xy")}


def _heights(axes) -> dict[str, float]:
    """How many points above the lanes each label stands."""
    return {text.get_text(): text.xyann[1] for text in axes.texts if text.get_text()}


def test_the_two_lanes_are_named() -> None:
    assert [label.get_text() for label in _axes().get_yticklabels()] == ["caller", "agent"]


def test_a_waveform_lies_where_it_was_heard_and_reaches_its_height_at_its_loudest() -> None:
    axes = _axes()
    envelope = lanes.Envelope(7_900 * MS, 20.0, np.array([0.0, 0.5, 0.25]))
    lanes.draw_voice(axes, lanes.AGENT, envelope, 7_000 * MS, None)
    path = axes.collections[0].get_paths()[0].vertices
    assert (path[:, 0].min(), path[:, 0].max()) == (900, 940)
    assert path[np.argmax(path[:, 1])].tolist() == [920, lanes.AGENT + 0.85]


def test_what_was_not_kept_is_a_block_and_what_was_not_heard_is_nothing() -> None:
    axes = _axes()
    lanes.draw_voice(axes, lanes.CALLER, None, 0, (100.0, 300.0))
    lanes.draw_voice(axes, lanes.AGENT, None, 0, None)
    (block,) = axes.collections
    at_ms = block.get_paths()[0].vertices[:, 0]
    assert (at_ms.min(), at_ms.max(), block.get_gid()) == (100.0, 300.0, "caller")


def test_silence_all_along_does_not_divide_by_zero() -> None:
    axes = _axes()
    lanes.draw_voice(axes, lanes.AGENT, lanes.Envelope(0, 20.0, np.zeros(3)), 0, None)
    assert np.isfinite(axes.collections[0].get_paths()[0].vertices).all()


def test_a_span_says_how_long_it_is_also_where_the_picture_ends_before_it() -> None:
    axes = _axes(end_ms=1_000)
    lanes.draw_span(axes, 0, 12_345, ORANGE)
    told = next(text for text in axes.texts if "ms" in text.get_text())
    assert told.get_text() == "12,345 ms"
    assert told.get_position()[0] == 500


def test_labels_that_would_meet_stand_above_each_other_the_earlier_higher() -> None:
    axes = _axes()
    lanes.mark_events(axes, {"first": 100.0, "second": 130.0, "far": 1_500.0}, "first")
    above = _heights(axes)
    assert above["first"] > above["second"] == above["far"]


def test_no_line_passes_through_a_label() -> None:
    axes = _axes(0, 4_000)
    lanes.mark_events(axes, {"short": 0.0, "a rather long label": 150.0, "x": 600.0}, "short")
    above = _heights(axes)
    assert above["a rather long label"] > above["x"]
    assert above["short"] > above["a rather long label"]


def test_events_that_the_eye_cannot_tell_apart_share_a_label_in_their_order() -> None:
    axes = _axes()
    lanes.mark_events(axes, {"silence": 182.0, "onset": 0.0, "detected": 180.0, "emptied": 181.0}, "onset")
    assert {label: place[0] for label, place in _labels(axes).items()} == {
        "onset": 0.0,
        "detected · emptied · silence": 180.0,
    }


def test_only_the_origins_line_is_not_dashed() -> None:
    axes = _axes()
    lanes.mark_events(axes, {"onset": 0.0, "detected": 900.0}, "onset")
    assert {line.get_xdata()[0]: line.get_linestyle() for line in axes.lines} == {0.0: "-", 900.0: "--"}
