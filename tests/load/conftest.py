"""Locust without its monkey patching, which would reach every other test of the process, and a scenario file.

What is tested here takes its sockets, its sleeping and its waiting from gevent by name, so it works
unpatched. The variable is taken back at once: children that tests start have to patch.
"""

from __future__ import annotations

from pathlib import Path

import pytest

with pytest.MonkeyPatch.context() as environment:
    environment.setenv("LOCUST_SKIP_MONKEY_PATCH", "1")
    import locust  # noqa: F401  # for what its import does, or here does not do

SCENARIO = """\
name: brief
conversation:
  - say: {role: question}
  - listen
seed: 11
users: 3
spawn_rate: 2
iterations: 2
between_calls: 100 ms
stop_timeout: 7 s
"""


@pytest.fixture
def scenario_file(tmp_path: Path) -> Path:
    """Three callers, two conversations each, 0.1 s between them, 7 s to stop."""
    path = tmp_path / "brief.yaml"
    path.write_text(SCENARIO, encoding="utf-8")
    return path
