from pathlib import Path

import matplotlib as mpl
from PIL import Image

from rtbench.report.figures.canvas import PNG_DPI, keep, new_axes, style


def _line(path: Path) -> str:
    with style():
        figure, axes = new_axes(height_in=2, width_in=4)
        axes.plot([1, 3, 2])
        return keep(figure, path)


def test_the_same_data_gives_the_same_svg_and_the_same_png(tmp_path: Path) -> None:
    first, second = (_line(tmp_path / f"{number}.png") for number in (1, 2))
    assert first == second
    assert (tmp_path / "1.png").read_bytes() == (tmp_path / "2.png").read_bytes()


def test_the_png_is_crisp_and_the_svg_stands_alone(tmp_path: Path) -> None:
    svg = _line(tmp_path / "x.png")
    with Image.open(tmp_path / "x.png") as image:
        assert image.size == (4 * PNG_DPI, 2 * PNG_DPI)
    assert svg.startswith("<?xml")
    assert 'href="http' not in svg


def test_matplotlibs_own_settings_are_as_before_afterwards(tmp_path: Path) -> None:
    before = dict(mpl.rcParams)
    _line(tmp_path / "x.png")
    assert dict(mpl.rcParams) == before
