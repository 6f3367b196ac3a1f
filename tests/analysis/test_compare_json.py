"""`compare.json`: its keys are an interface."""

import json

import pytest

from rtbench.analysis import compare_json as module
from rtbench.analysis.compare import compare
from rtbench.analysis.compare_json import compare_json
from rtbench.results.reader import read_run


@pytest.fixture(scope="module")
def content(night):
    base = read_run(night("json-base", sessions=20))
    run = read_run(night("json-run", sessions=20, seed=2, unanswered=0.5))
    return compare_json(compare([base], [run]))


def test_it_holds_only_what_json_can(content) -> None:
    assert json.loads(json.dumps(content, allow_nan=False)) == content
    by_statistic = {metric["statistic"]: metric for metric in content["metrics"]}
    assert by_statistic["p95"]["run"] is None  # half of the turns wait for ever
    assert by_statistic["rate"]["ratio"] is None
    assert set(by_statistic["rate"]["difference"]) == {"estimate", "low", "high"}


def test_every_key_is_documented(content) -> None:
    keys = {*content, *content["metrics"][0], *content["shift"][0]}
    assert [key for key in keys if key not in (module.__doc__ or "")] == []
