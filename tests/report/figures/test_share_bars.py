import pytest

from rtbench.analysis.rates import Rate
from rtbench.report.figures.canvas import BLUE
from rtbench.report.figures.share_bars import draw_shares

SHARES = {"cough": Rate(40, 0.25, 0.14, 0.4), "click": Rate(4, None), "noise": Rate(30, 0.0, 0.0, 0.11)}


def test_a_bar_is_as_long_as_its_share_with_n_beside_its_name() -> None:
    axes = draw_shares(SHARES, BLUE, "%").axes[0]
    assert [patch.get_width() for patch in axes.patches] == [25.0, 0.0]
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        "cough\nn=40",
        "click\nn=4",
        "noise\nn=30",
    ]


def test_the_interval_is_drawn_and_the_share_written_out() -> None:
    axes = draw_shares(SHARES, BLUE, "%").axes[0]
    (low, high) = axes.collections[0].get_segments()[0][:, 0]
    assert (low, high) == pytest.approx((14.0, 40.0))
    assert "25.0%" in [text.get_text() for text in axes.texts]


def test_a_share_of_too_few_has_no_bar_and_says_so() -> None:
    axes = draw_shares({"click": Rate(4, None)}, BLUE, "%").axes[0]
    assert not axes.patches
    assert [text.get_text() for text in axes.texts] == ["too few to tell (needs 10)"]


def test_the_first_stands_on_top() -> None:
    bottom, top = draw_shares(SHARES, BLUE, "%").axes[0].get_ylim()
    assert bottom > top
