"""`junit.xml`, read by a stock parser."""

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from junitparser import Failure, JUnitXml, Skipped, TestSuite

from rtbench.analysis.compare_metric import Change
from rtbench.analysis.thresholds import ThresholdResult
from rtbench.analysis.verdict import Finding, Level, Verdict
from rtbench.report.junit import render_junit
from rtbench.scenario.threshold import parse_threshold

INVALID = Verdict(Level.INVALID, (Finding(Level.INVALID, "rows_lost", "3 rows were lost.", "Free space."),))


def read(text: str) -> TestSuite:
    (suite,) = JUnitXml.fromstring(text.encode())
    return suite


def comparison(change: Change) -> Any:
    return SimpleNamespace(change=change, sentence=f"it is {change}", metrics=[])


def failed(suite: TestSuite) -> list[str]:
    return [case.name for case in suite if any(isinstance(result, Failure) for result in case.result)]


def test_the_verdict_and_every_threshold_is_a_test_case(summary) -> None:
    suite = read(render_junit(summary))
    assert [case.classname for case in suite] == ["rtbench.validity"] + ["rtbench.threshold"] * 3
    assert [case.name for case in suite][1:] == [str(result.threshold) for result in summary.thresholds]
    assert (suite.tests, suite.failures, suite.errors, suite.skipped) == (4, 1, 0, 0)
    assert failed(suite) == ["response_rate rate >= 0.99"]
    assert suite.timestamp == "2026-11-23T07:00:00"


def test_an_invalid_run_is_a_failure_with_what_to_do(summary) -> None:
    suite = read(render_junit(dataclasses.replace(summary, verdict=INVALID)))
    first = next(iter(suite))
    assert failed(suite)[0] == first.name == "the run is not INVALID"
    assert first.result[0].message == "3 rows were lost."
    assert "Free space." in first.result[0].text


@pytest.mark.parametrize(("status", "kind"), [("too_few_samples", Failure), ("not_applicable", Skipped)])
def test_a_threshold_without_a_judgement_fails_or_is_skipped(summary, status: str, kind: type) -> None:
    result = ThresholdResult(parse_threshold("connect_ms:p95<9"), status, 4, None, reason="it is so")
    suite = read(render_junit(dataclasses.replace(summary, thresholds=[result])))
    (outcome,) = list(suite)[1].result
    assert isinstance(outcome, kind)
    assert "it is so" in outcome.message


@pytest.mark.parametrize(
    ("change", "strict", "kind"),
    [
        (Change.REGRESSED, False, Failure),
        (Change.INCONCLUSIVE, False, Skipped),
        (Change.INCONCLUSIVE, True, Failure),
        (Change.OK, True, None),
    ],
)
def test_the_baseline_is_a_test_case(summary, change: Change, strict: bool, kind: type | None) -> None:
    case = list(read(render_junit(summary, comparison(change), strict=strict)))[-1]
    assert (case.classname, case.name) == ("rtbench.baseline", "nothing regressed")
    assert [type(result) for result in case.result] == ([] if kind is None else [kind])


def test_names_from_outside_cannot_break_it(summary, tmp_path: Path) -> None:
    named = dataclasses.replace(summary, run={**summary.run, "name": 'a<b>&\x00\x1b"c'})
    path = tmp_path / "junit.xml"
    path.write_text(render_junit(named), encoding="utf-8")
    assert next(iter(JUnitXml.fromfile(str(path)))).name == 'a<b>&\ufffd\ufffd"c'
