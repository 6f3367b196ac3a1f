"""Tabs of Locust's page with rtbench's own tables.

Locust takes tables of others in two places (its documentation, "Extending the Web UI"): tabs and columns
among the arguments of its page, and rows in the answer that the page asks for every two seconds.
"""

from __future__ import annotations

import json
from typing import Any

from flask import Blueprint, Response, request
from locust.web import WebUI

from rtbench.load.live_tables import TABS, LiveTables

ASKED_FOR = "/stats/requests"


def add_tabs(page: WebUI, tables: LiveTables) -> None:
    """Show these tables in tabs of the page; to be called before it answers its first request."""
    page.template_args["extended_tabs"] = [{"key": tab.key, "title": tab.title} for tab in TABS]
    page.template_args["extended_tables"] = [
        {
            "key": tab.key,
            "structure": [{"key": key, "title": title} for key, title in tab.columns.items()],
        }
        for tab in TABS
    ]
    pages = Blueprint("rtbench", __name__)

    @pages.after_app_request
    def add_rows(answer: Response) -> Response:
        if request.path.endswith(ASKED_FOR) and answer.status_code == 200:
            told: Any = answer.get_json(silent=True)
            if isinstance(told, dict):
                rows = [{"key": key, "data": data} for key, data in tables.shown().items()]
                answer.set_data(json.dumps({**told, "extended_stats": rows}))
        return answer

    assert page.app is not None
    page.app.register_blueprint(pages)
