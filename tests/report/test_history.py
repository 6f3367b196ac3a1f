"""The report of a history: page, CSV, and the configuration for Apache Otava."""

import csv
import io
from datetime import datetime
from pathlib import Path

import html5lib
import pytest
import yaml

from rtbench.analysis.change_points import ChangePoint
from rtbench.analysis.history import History, Night, Trend
from rtbench.report.history import change_sentences, render_csv, render_otava, write_history

LEVELS = [700.0, 701.0, 702.0, 699.0, 840.0, 841.0, 839.0, 842.0]


@pytest.fixture
def history() -> History:
    nights = [
        Night(f"night{day}", f"2026-11-{day:02}T02:00:00+00:00", "VALID" if day != 3 else "SUSPECT", 480,
              {"voice_to_voice_ms_p50": level, **({"response_rate": 0.99} if day != 2 else {})})
        for day, level in enumerate(LEVELS, 1)
    ]  # fmt: skip
    told = [night for night in nights if "response_rate" in night.values]
    change = ChangePoint(4, 700.5, 840.5, 0.002)
    trends = [Trend("voice_to_voice_ms_p50", -1, nights, [change]), Trend("response_rate", 1, told, [])]
    return History("calls emulator websocket", nights, trends, ["night9"])


def test_a_change_is_told_with_its_night_and_its_size(history: History) -> None:
    assert change_sentences(history) == ["voice_to_voice_ms_p50 became worse with night5: 700 to 840 (+20%)."]


def test_the_csv_has_a_row_for_each_night(history: History) -> None:
    rows = list(csv.DictReader(io.StringIO(render_csv(history))))
    assert [row["run"] for row in rows] == [f"night{day}" for day in range(1, 9)]
    assert datetime.fromisoformat(rows[0]["time"]).tzinfo is not None
    assert rows[1]["response_rate"] == ""
    assert float(rows[4]["voice_to_voice_ms_p50"]) == 840.0


def test_otava_is_told_of_whole_columns_and_which_way_is_better(history: History) -> None:
    (test,) = yaml.safe_load(render_otava([history]))["tests"].values()
    assert test["file"] == "calls-emulator-websocket.csv"
    assert test["metrics"] == {"voice_to_voice_ms_p50": {"column": "voice_to_voice_ms_p50", "direction": -1}}
    header = render_csv(history).splitlines()[0].split(",")
    assert {test["time_column"], *test["attributes"], *test["metrics"]} <= set(header)


def test_everything_is_written_and_the_page_is_valid(history: History, tmp_path: Path) -> None:
    page = write_history(tmp_path / "history", [history])
    names = {"history.html", "otava.yaml", "calls-emulator-websocket.csv", "calls-emulator-websocket.png"}
    assert {path.name for path in page.parent.iterdir()} == names
    text = page.read_text()
    html5lib.HTMLParser(strict=True).parse(text)
    assert "1 left out as INVALID" in text
    assert change_sentences(history)[0] in text
