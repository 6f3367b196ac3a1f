from dataclasses import replace

from rtbench.analysis.heard_quality import HeardQuality
from rtbench.analysis.network import NetworkSummary
from rtbench.analysis.quantiles import Quantile
from rtbench.report.sound import NOTE, sound_facts

FOUND = HeardQuality(24, 12, 96.4, Quantile(0.5, 24, 3.514, 3.1, 3.82), 3.4, 1.874)
LINE = NetworkSummary(2, {"opus": 2}, 100, 1, 0, 0, 0, 20.0, 0, 0, {}, {"mos_r": 93.2})


def test_the_median_stands_with_its_interval_and_what_it_is_of() -> None:
    facts = dict(sound_facts(FOUND, None))
    assert facts["Answers scored"] == "24 of 12 sessions, 96 s of sound"
    assert facts["plc_mos, median"] == "3.51 [3.10, 3.82]"
    assert facts["plc_mos, mean"] == "3.40"
    assert facts["plc_mos, lowest"] == "1.87"
    assert len(facts) == 4


def test_the_estimate_for_the_line_stands_beside_it() -> None:
    assert dict(sound_facts(FOUND, LINE))["mos_estimate of the line, beside it"] == "4.41"
    assert "PLCMOS" in NOTE and "G.107" in NOTE


def test_too_few_answers_and_too_few_sessions_are_told() -> None:
    few = replace(FOUND, median=Quantile(0.5, 3, None))
    assert dict(sound_facts(few, None))["plc_mos, median"] == "n/a (n=3, needs 5)"
    alike = replace(FOUND, median=Quantile(0.5, 8, 3.0))
    assert dict(sound_facts(alike, None))["plc_mos, median"].endswith("(too few sessions for an interval)")
