import dataclasses
import html
import re

import html5lib
import pytest

from rtbench.analysis.verdict import Finding, Level, Verdict
from rtbench.report import notation
from rtbench.report.html import Picture, render_page
from rtbench.report.worst import Exhibit, Worst
from rtbench.results.reader import Run

NOTHING = Worst([], [])
SVG = '<svg xmlns="http://www.w3.org/2000/svg"/>'


@pytest.fixture(scope="module")
def page(run: Run, summary) -> str:
    turns = [Exhibit("1-s1-turn0", row, SVG, has_events=True) for row in summary.worst.to_dict("records")]
    stimuli = [
        Exhibit("interruption-1-s1-stimulus1", row, SVG, has_events=True, has_recording=True)
        for row in summary.worst_stimuli.to_dict("records")
    ]
    pictures, turn_taking = ([Picture(name, "A title", "How to read it.", SVG)] for name in ("cdf", "stops"))
    return render_page(run, summary, pictures, turn_taking, Worst(turns, stimuli))


def _text(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def test_a_stock_parser_finds_no_fault_in_it(page: str) -> None:
    html5lib.HTMLParser(strict=True).parse(page)


def test_no_id_is_given_twice(page: str) -> None:
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids)) > 0


def test_it_needs_nothing_from_elsewhere(page: str) -> None:
    assert not re.search(r'(?:src|href)="(?!data:|worst/)', page)
    assert "<script" not in page
    assert "url(" not in page


def test_the_verdict_comes_before_every_number_and_then_the_sentence(page: str, summary) -> None:
    body = _text(page[page.index("<body>") :])
    assert body.index("VALID") < body.index(summary.sentence[:40]) < body.index("Median wait")


def test_every_percentile_stands_with_its_n_and_interval(page: str, summary) -> None:
    row = _text(page[page.index('<tr class="headline">') :])[:200]
    p95 = summary.headline.p95
    assert f" {summary.headline.n} " in row
    assert f"{p95.value:,.0f} [{p95.low:,.0f}, {p95.high:,.0f}]" in row


def test_the_latency_budget_stands_before_the_metrics(page: str, summary) -> None:
    section = _text(page[page.index("<h2>Latency budget</h2>") : page.index("<h2>Metrics</h2>")])
    assert summary.latency_budget[0].taken.n > 0
    for part in summary.latency_budget:
        p50 = part.taken.p50
        named = part.taken.name.replace("_", "_ ")
        assert (
            f"{part.name.capitalize()} {named} &lt; {part.limit_ms:.0f} ms {notation.number(p50.value)}"
            in section
        )
        assert (
            f"{part.within.value:.1%} [{part.within.low:.1%}, {part.within.high:.1%}] {part.taken.n}"
            in section
        )


def test_without_a_part_that_is_known_there_is_no_latency_budget(run: Run, summary) -> None:
    page = render_page(run, dataclasses.replace(summary, latency_budget=[]), [], [], NOTHING)
    assert "<h2>Latency budget</h2>" not in page


def test_findings_stand_with_the_verdict(run: Run, summary) -> None:
    finding = Finding(Level.INVALID, "rows_lost", "3 of 100 rows were lost.", "Free some space.")
    invalid = dataclasses.replace(summary, verdict=Verdict(Level.INVALID, (finding,)))
    text = _text(render_page(run, invalid, [], [], NOTHING))
    assert "3 of 100 rows were lost. Free some space." in text


def test_names_from_outside_cannot_put_markup_into_it(run: Run, summary) -> None:
    hostile = dataclasses.replace(summary, run={**summary.run, "name": "<script>alert(1)</script>"})
    assert "<script>" not in render_page(run, hostile, [], [], NOTHING)


def test_no_backtick_is_left_and_names_are_set_as_code(page: str) -> None:
    assert "`" not in page[: page.index("<pre>")] + page[page.rindex("</pre>") :]
    assert "<code>speech_stopped</code>" in page


def test_what_stands_between_backticks_cannot_put_markup_into_it(run: Run, summary) -> None:
    finding = Finding(Level.SUSPECT, "odd", "Of `<script>alert(1)</script>` and `a_name`.", "Look.")
    hostile = dataclasses.replace(summary, verdict=Verdict(Level.SUSPECT, (finding,)))
    page = render_page(run, hostile, [], [], NOTHING)
    assert "<script>" not in page
    assert "<code>a_name</code>" in page


def test_the_command_can_be_pasted_into_a_shell(run: Run, summary) -> None:
    command = ["rtbench", "run", "a.yaml", "--duration", "10 s"]
    kept = dataclasses.replace(run, provenance={**run.provenance, "command": command})
    page = html.unescape(render_page(kept, summary, [], [], NOTHING))
    assert "rtbench run a.yaml --duration '10 s'" in page


def test_intervals_are_told_as_they_are_computed(page: str) -> None:
    assert "order statistics" in page
    assert "resampled" not in page


def test_a_run_of_which_nothing_is_known_still_has_a_page(empty_run: Run) -> None:
    from rtbench.analysis.summary import summarise

    page = render_page(empty_run, summarise(empty_run), [], [], NOTHING)
    html5lib.HTMLParser(strict=True).parse(page)
    assert "INVALID" in page


def test_turn_taking_is_shown_with_n_and_intervals_and_the_parts_of_its_score(page: str, summary) -> None:
    section = _text(page[page.index("<h2>Turn-taking</h2>") : page.index("<h2>Figures</h2>")])
    found = summary.turn_taking.yield_rate
    assert f"yield_ rate {found.n} {found.value:.1%} [{found.low:.1%}, {found.high:.1%}]" in section
    for part in summary.turn_taking.flow.parts:
        assert f"{part.name} {part.right:,} {part.eligible:,}" in section
    flow = summary.turn_taking.flow.rate
    assert f"Score, 0 to 100 {100 * flow.value:.1f} [{100 * flow.low:.1f}, {100 * flow.high:.1f}]" in section


def test_a_recording_can_be_played_in_the_page(page: str) -> None:
    assert '<audio controls preload="none" src="worst/interruption-1-s1-stimulus1.wav">' in page


def test_without_stimuli_there_is_no_section_on_turn_taking(run: Run, summary) -> None:
    silent = dataclasses.replace(summary, turn_taking=None, worst_stimuli=summary.worst_stimuli.head(0))
    page = render_page(run, silent, [], [], NOTHING)
    assert "<h2>Turn-taking</h2>" not in page
    assert "<audio" not in page
