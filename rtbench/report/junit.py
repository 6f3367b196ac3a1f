"""`junit.xml`: verdict, thresholds and baseline as test cases, for what shows and counts those."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from rtbench.analysis.compare import Comparison
from rtbench.analysis.compare_metric import Change
from rtbench.analysis.summary import Summary
from rtbench.analysis.thresholds import ThresholdResult
from rtbench.analysis.verdict import Level, Verdict
from rtbench.report import notation

_FORBIDDEN = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 (section 2.2) has no way to write."""


def render_junit(summary: Summary, comparison: Comparison | None = None, *, strict: bool = False) -> str:
    """One test suite: the verdict, every threshold, and the baseline where there was one.

    INVALID, a threshold that fails, a regression, and under `strict` an inconclusive comparison are
    failures; what is not to be judged in this run is skipped.
    """
    cases = [_verdict(summary.verdict), *map(_threshold, summary.thresholds)]
    if comparison is not None:
        cases.append(_baseline(comparison, strict=strict))
    counts = {
        "tests": str(len(cases)),
        "failures": str(sum(case.find("failure") is not None for case in cases)),
        "errors": "0",
        "skipped": str(sum(case.find("skipped") is not None for case in cases)),
    }
    suites = ET.Element("testsuites", {"name": "rtbench", **counts})
    suite = ET.SubElement(suites, "testsuite", {"name": _written(summary.run["name"]), **counts})
    if summary.run["started_at"]:
        suite.set("timestamp", str(summary.run["started_at"])[:19])
    suite.extend(cases)
    ET.SubElement(suite, "system-out").text = _written(summary.sentence)
    ET.indent(suites)
    return ET.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def _verdict(verdict: Verdict) -> ET.Element:
    case = _case("validity", "the run is not INVALID")
    told = "\n".join(f"{finding.level}: {finding.message} {finding.advice}" for finding in verdict.findings)
    if verdict.level is Level.INVALID:
        _fail(case, "INVALID", verdict.findings[0].message, told)
    elif told:
        ET.SubElement(case, "system-out").text = _written(told)
    return case


def _threshold(result: ThresholdResult) -> ET.Element:
    case = _case("threshold", str(result.threshold))
    told = f"{notation.actual(result)} (n = {result.n:,})"
    if result.fails:
        _fail(case, result.status, told, f"{result.threshold}: {told}")
    elif result.status == "not_applicable":
        ET.SubElement(case, "skipped", {"message": _written(result.reason)})
    else:
        ET.SubElement(case, "system-out").text = _written(told)
    return case


def _baseline(comparison: Comparison, *, strict: bool) -> ET.Element:
    case = _case("baseline", "nothing regressed")
    told = "\n".join(
        f"{metric.change}: {metric.gate}{': ' if metric.reason else ''}{metric.reason}"
        for metric in comparison.metrics
    )
    if comparison.change is Change.REGRESSED or (strict and comparison.change is Change.INCONCLUSIVE):
        _fail(case, comparison.change.value, comparison.sentence, told)
    elif comparison.change is Change.INCONCLUSIVE:
        ET.SubElement(case, "skipped", {"message": _written(comparison.sentence)})
    else:
        ET.SubElement(case, "system-out").text = _written(f"{comparison.sentence}\n{told}")
    return case


def _case(family: str, name: str) -> ET.Element:
    return ET.Element("testcase", {"classname": f"rtbench.{family}", "name": _written(name), "time": "0"})


def _fail(case: ET.Element, kind: str, message: str, details: str) -> None:
    ET.SubElement(case, "failure", {"type": kind, "message": _written(message)}).text = _written(details)


def _written(text: str) -> str:
    return _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text)
