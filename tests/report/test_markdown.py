import dataclasses
import re

from rtbench.analysis.calibration import ErrorBar
from rtbench.analysis.errors import ErrorCounts
from rtbench.analysis.rates import Rate
from rtbench.analysis.reliability import summarise_reliability
from rtbench.analysis.storms import Storm
from rtbench.analysis.verdict import Finding, Level, Verdict
from rtbench.report.markdown import render_markdown
from rtbench.results.reader import Run


def test_verdict_and_sentence_come_first(summary) -> None:
    title, *_ = told = render_markdown(summary).splitlines()
    assert title == f"# {summary.verdict.level}: {summary.run['name']}"
    assert told[2] == summary.sentence


def test_every_table_has_as_many_cells_in_each_row_as_in_its_head(summary) -> None:
    for table in re.findall(r"(?:^\|.*\n)+", render_markdown(summary), re.MULTILINE):
        widths = {line.count("|") for line in table.splitlines()}
        assert len(widths) == 1


def test_thresholds_show_limit_actual_and_result(summary) -> None:
    result = summary.thresholds[-1]
    told = f"| `response_rate` rate | >= 0.99 | {result.actual:.4g} | {result.n} | failed |"
    assert told in render_markdown(summary)


def test_findings_are_told_with_what_to_do(summary) -> None:
    finding = Finding(Level.SUSPECT, "cpu_high", "An engine was busy.", "Add a worker.")
    told = render_markdown(dataclasses.replace(summary, verdict=Verdict(Level.SUSPECT, (finding,))))
    assert "- **SUSPECT** An engine was busy. Add a worker." in told


def test_a_class_of_error_cannot_break_its_table(summary) -> None:
    told = render_markdown(dataclasses.replace(summary, errors=ErrorCounts({"a|b": 2}, {}, {})))
    assert "| a\\|b | 2 | 0 | 0 |" in told


def test_turn_taking_has_rates_with_n_and_the_score_with_its_parts(summary) -> None:
    told = render_markdown(summary)
    found = summary.turn_taking
    assert f"| `yield_rate` | {found.yield_rate.n} | {found.yield_rate.value:.1%} |" in told
    assert f"| `conversation_flow` (0 to 100) | {found.flow.rate.n:,} |" in told
    assert f"| answered in time | {found.flow.parts[0].right} | {found.flow.parts[0].eligible} |" in told
    assert "| `false_interruption_rate` of click |" in told
    assert "| `barge_in_heard_stop_ms` | stimuli |" in told


def test_a_cut_that_nobody_noticed_is_injected_and_not_found(run: Run, summary) -> None:
    sessions = run.sessions.assign(cuts=[1] + [0] * (len(run.sessions) - 1))
    reliability = summarise_reliability(dataclasses.replace(run, sessions=sessions))
    told = render_markdown(dataclasses.replace(summary, reliability=reliability))
    assert "Outages: none.\n" in told
    assert "| drop that nobody noticed | caller | 1 | 0 | – |" in told
    assert (
        "**Sums that do not agree**: 1 breaks by the callers, 0 incidents of theirs and 0 that made none."
        in told
    )


def test_a_storm_has_its_row_with_the_time_to_steady_state(run: Run, summary) -> None:
    reliability = summarise_reliability(
        dataclasses.replace(run, sessions=run.sessions.assign(cuts=1, cuts_unseen=1))
    )
    stormy = dataclasses.replace(reliability, storms=[Storm(10.0, 200, 199, 1, 0, 2_345.0)])
    told = render_markdown(dataclasses.replace(summary, reliability=stormy))
    assert "| 10.0 | 200 | 199 | 1 | 0 | 2,345 |" in told
    assert "Sums that do not agree" not in told


def test_without_stimuli_there_is_no_word_of_turn_taking(summary) -> None:
    assert "Turn-taking" not in render_markdown(dataclasses.replace(summary, turn_taking=None))


def test_a_rate_of_nothing_is_left_out(summary) -> None:
    rates = [dataclasses.replace(each, rate=Rate(0, None)) for each in summary.rates]
    told = render_markdown(dataclasses.replace(summary, rates=rates, turn_taking=None, thresholds=[]))
    assert "response_rate" not in told


def test_the_error_bar_of_a_calibrated_machine_stands_under_the_sentence(summary) -> None:
    bar = ErrorBar("websocket", "2026-11-26T06:00:00+00:00", 100, 50, 0.21, 1.87)
    told = render_markdown(dataclasses.replace(summary, error_bar=bar)).split("\n\n")
    assert told[1] == summary.sentence
    assert told[2] == (
        "Error bar of waits: ±1.87 ms (99% of turns), +0.21 ms in the middle, measured with 50 sessions; "
        "VALID up to 100 sessions (websocket, 2026-11-26)."
    )
    assert "Error bar" not in render_markdown(summary)
