"""The page's own application, asked as a browser asks it, with a runner that does nothing."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from locust.env import Environment
from locust.web import WebUI

from rtbench.load.live_tables import TABS, LiveTables
from rtbench.load.web_tabs import add_tabs


@pytest.fixture
def page(environment: Environment) -> WebUI:
    environment.create_local_runner()
    return environment.create_web_ui("127.0.0.1", 0, delayed_start=True)


@pytest.fixture(autouse=True)
def _no_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Locust's page reads the command line as its own."""
    monkeypatch.setattr("sys.argv", ["locust"])


def arguments(page: WebUI) -> dict[str, Any]:
    """What the page is started with in a browser."""
    html = page.app.test_client().get("/").get_data(as_text=True)
    found = re.search(r"window\.templateArgs = (.*)", html)
    assert found is not None
    told: dict[str, Any] = json.loads(found[1])
    return told


def test_the_page_has_a_tab_for_every_table(page) -> None:
    add_tabs(page, LiveTables())
    told = arguments(page)
    tabs, tables = told["extended_tabs"], told["extended_tables"]
    assert [(tab["key"], tab["title"]) for tab in tabs] == [(tab.key, tab.title) for tab in TABS]
    assert [table["key"] for table in tables] == [tab.key for tab in TABS]
    assert tables[0]["structure"][0] == {"key": "kind", "title": "Turns"}


def test_rows_come_with_the_statistics_as_of_now(page, turn_of) -> None:
    tables = LiveTables()
    add_tabs(page, tables)
    browser = page.app.test_client()
    for turns in (1, 2):
        tables.take("turns", turn_of(400))
        told = browser.get("/stats/requests").get_json()
        assert told["state"] == "ready"  # Locust's own part is there as before
        rows = {each["key"]: each["data"] for each in told["extended_stats"]}
        assert rows.keys() == {tab.key for tab in TABS}
        assert [row["turns"] for row in rows["turns"]] == [turns]


def test_other_answers_are_left_alone(page) -> None:
    add_tabs(page, LiveTables())
    browser = page.app.test_client()
    assert "extended_stats" not in browser.get("/exceptions").get_json()
    assert browser.get("/no/such/page").status_code == 404
