"""The levels of a calibration, and the run that holds them, with the run replaced."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from rtbench.analysis.capacity_search import Found, Judgement, Search
from rtbench.core.errors import RunInvalid
from rtbench.load import calibration as module
from rtbench.load.calibration import CalibrationOrder, hold_calibration, rising
from rtbench.load.run import LedLoad, RunEnd, RunOptions
from rtbench.scenario.load import load_scenario


def walk(course: Search, *judgements: Judgement) -> tuple[list[float], Found | None]:
    """The levels that are held, and what is found, if these are the judgements."""
    levels = [next(course).level]
    for judgement in judgements:
        try:
            levels.append(course.send(judgement).level)
        except StopIteration as over:
            return levels, over.value
    return levels, None


def test_levels_rise_until_the_last() -> None:
    levels, found = walk(rising([1, 10, 50]), *[Judgement.HOLDS] * 3)
    assert levels == [1, 10, 50]
    assert found == Found("most", 50.0)


def test_levels_end_where_the_generator_cannot_keep_up() -> None:
    levels, found = walk(rising([1, 10, 50, 100]), Judgement.HOLDS, Judgement.HOLDS, Judgement.GENERATOR)
    assert levels == [1, 10, 50]
    assert found == Found("generator", 10.0, stopped_at=50.0)


@pytest.fixture
def order() -> CalibrationOrder:
    return CalibrationOrder("websocket", [1, 5], 10.0, 1, ("rtbench", "calibrate"))


class Held:
    """In place of `run`: notes what it was given, and ends as told."""

    def __init__(self, end: RunEnd, *, finishes: bool = True) -> None:
        self.end, self.finishes = end, finishes
        self.options: RunOptions | None = None
        self.led: LedLoad | None = None

    def __call__(self, options: RunOptions, console: Console, led: LedLoad) -> RunEnd:
        self.options, self.led = options, led
        if self.finishes:
            led.course.__self__.found = Found("most", 5.0)  # type: ignore[attr-defined]
        return self.end


def hold(monkeypatch: pytest.MonkeyPatch, order: CalibrationOrder, folder: Path, held: Held) -> Path:
    monkeypatch.setattr(module, "run", held)
    return hold_calibration(order, folder, Console(file=io.StringIO()), lambda step: None)


def test_its_scenario_is_one_that_can_be_run_and_both_interrupts_and_listens(
    monkeypatch, order, tmp_path
) -> None:
    held = Held(RunEnd(tmp_path / "run", interrupted=False, failure=None))
    assert hold(monkeypatch, order, tmp_path, held) == tmp_path / "run"
    assert held.options is not None and held.led is not None
    assert held.led.most_users == 5
    scenario = load_scenario(held.options.scenario)
    from rtbench.cli.run import check_scenarios

    check_scenarios([held.options.scenario])
    assert scenario.emulator["response_delay"] == {"empirical": ["0 ms", "50 ms", "200 ms", "800 ms"]}


@pytest.mark.parametrize(
    ("end", "error"),
    [
        (RunEnd(None, interrupted=False, failure=RunInvalid("an engine died")), RunInvalid),
        (RunEnd(Path("run"), interrupted=True, failure=None), KeyboardInterrupt),
        (RunEnd(None, interrupted=False, failure=None), RunInvalid),
    ],
)
def test_a_run_that_did_not_come_to_its_end_is_no_calibration(
    monkeypatch: pytest.MonkeyPatch, order: CalibrationOrder, tmp_path: Path, end: RunEnd, error: Any
) -> None:
    with pytest.raises(error):
        hold(monkeypatch, order, tmp_path, Held(end))


def test_a_search_that_was_not_finished_is_no_calibration(monkeypatch, order, tmp_path) -> None:
    held = Held(RunEnd(tmp_path, interrupted=False, failure=None), finishes=False)
    with pytest.raises(RunInvalid, match="did not come to its end"):
        hold(monkeypatch, order, tmp_path, held)
