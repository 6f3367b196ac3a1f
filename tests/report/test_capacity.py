"""The report of a capacity search: files, page, table and pictures."""

from __future__ import annotations

import io
import json
import math
from dataclasses import replace
from pathlib import Path

import html5lib
import pytest
from rich.console import Console

from rtbench.analysis.capacity import CapacityResult, ReferenceWait
from rtbench.analysis.capacity_search import Found, Judgement
from rtbench.analysis.planning import Traffic, plan_sessions
from rtbench.core.errors import UsageError
from rtbench.report.capacity import FIGURES, render_markdown, render_table, write_capacity
from rtbench.scenario.threshold import parse_threshold


@pytest.fixture
def result(make_step) -> CapacityResult:
    return CapacityResult(
        "support <call>",
        "emulator",
        "websocket",
        False,
        (parse_threshold("voice_to_voice_ms:p95<800"),),
        Found("edge", 20.0, margin=1.0, edges=(20.0,), confirmed=True),
        (
            make_step(20, 700.0),
            make_step(24, 950.0),
            make_step(28, math.inf),
            make_step(22, 720.0, judgement=Judgement.GENERATOR),
        ),
        (
            ReferenceWait(5, 480.0),
            ReferenceWait(5, 720.0),
            ReferenceWait(5, math.inf),
            ReferenceWait(0, None),
        ),
    )


def test_all_that_is_read_is_written_and_the_page_is_valid(result: CapacityResult, tmp_path: Path) -> None:
    run = tmp_path / "20261126-run"
    page = write_capacity(tmp_path, result, plan_sessions(Traffic(1200, 180.0), result), run)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"capacity.json", "capacity.md", "capacity.html", *(f"{name}.png" for name in FIGURES)}
    html = page.read_text()
    html5lib.HTMLParser(strict=True).parse(html)
    assert "support &lt;call&gt;" in html
    assert 'href="20261126-run/report.html"' in html
    assert "20 ± 1 concurrent calls" in html
    assert "75 sessions" in html
    assert json.loads((tmp_path / "capacity.json").read_text())["capacity_version"] == 1


def test_markdown_has_a_row_for_every_step(result: CapacityResult) -> None:
    text = render_markdown(result, None)
    rows = [line for line in text.splitlines() if line.startswith("| 2")]
    assert len(rows) == 4
    assert rows[0].startswith("| 20 | step up | holds | 30 | 20 | 120 | 700 |")
    assert rows[2].split(" | ")[6] == "never answered"
    assert rows[2].endswith("| never |")
    assert rows[3].endswith("| – |")


def test_the_terminals_table_has_the_reference_only_where_there_was_one(result: CapacityResult) -> None:
    def printed(shown: CapacityResult) -> str:
        console = Console(file=io.StringIO(), width=160)
        console.print(render_table(shown))
        return console.file.getvalue()  # type: ignore[attr-defined]

    assert "reference" in printed(result)
    assert "reference" not in printed(replace(result, reference=()))


def test_a_folder_that_cannot_be_written_to_is_told(result: CapacityResult, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="the report cannot be written"):
        write_capacity(tmp_path / "nowhere", result, None, None)
