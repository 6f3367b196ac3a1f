"""Load shapes of a scenario, by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from rtbench.core.errors import UsageError
from rtbench.scenario.load import load_scenario
from rtbench.scenario.shape import Shape

SCENARIO = """\
name: shaped
conversation:
  - say: {role: question}
  - listen
"""


def test_a_scenario_has_its_shape_by_name(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(SCENARIO + "shape:\n  ramp: {users: 10, over: 1 min}\n")
    shape = load_scenario(path).shape
    assert isinstance(shape, Shape)
    assert shape.kind == "ramp"
    assert shape.one.users_at(30) == 6  # from 1 to 10: 5.5, rounded up
    assert load_scenario(path).iterations_per_user is None


@pytest.mark.parametrize(
    ("shape", "told"),
    [
        ("shape: {}", r"shape: must name one of closed, ramp"),
        ("shape: {ramp: {users: 1, over: 1 s}, closed: {users: 1, lasts: 1 s}}", r"shape: must name one of"),
        ("shape: {ramp: {users: 1, over: 1 s}}\nduration: 3 s", r"duration: the shape says how long"),
        ("shape: {ramp: {users: 1, over: 1 s}}\niterations: 3", r"iterations: the shape says how long"),
        ("shape: {ramp: {users: 1, over: 3}}", r"a\.yaml:5: shape\.ramp\.over: a duration needs its unit"),
    ],
)
def test_what_cannot_be_a_shape_is_told_where_it_stands(tmp_path: Path, shape: str, told: str) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(SCENARIO + shape + "\n")
    with pytest.raises(UsageError, match=told):
        load_scenario(path)
