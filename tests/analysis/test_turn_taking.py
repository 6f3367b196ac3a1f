import pytest

from rtbench.analysis.turn_taking import conversation_flow, false_interruptions, summarise_turn_taking

INTERRUPTIONS = [
    *[
        {"session": f"s{n}", "yielded": 1.0, "missed_interruption": 0.0, "barge_in_heard_stop_ms": 300.0 + n}
        for n in range(18)
    ],
    *[{"session": f"s{n}", "yielded": 0.0, "missed_interruption": 1.0} for n in range(18, 20)],
    *[{"session": f"s{n}", "yielded": None} for n in range(5)],
]
COUGHS = [{"session": f"s{n}", "kind": "cough", "false_interruption": float(n < 3)} for n in range(12)]
CLICKS = [{"session": f"s{n}", "kind": "click", "false_interruption": 0.0} for n in range(4)]


@pytest.fixture(scope="module")
def rows(make_turns, make_stimuli, make_rows):
    stimuli = make_stimuli(*INTERRUPTIONS, *COUGHS, *CLICKS).assign(
        barge_in_detect_error_ms=0.5, barge_in_server_stop_error_ms=float("nan")
    )
    turns = make_turns(*[{"session": f"s{n}", "hold_pauses": 1, "cut_in": float(n == 0)} for n in range(20)])
    return make_rows(turns, stimuli=stimuli)


@pytest.fixture(scope="module")
def found(rows):
    return summarise_turn_taking(rows)


def test_stimuli_are_counted_by_kind_the_most_frequent_first(found) -> None:
    assert list(found.stimuli.items()) == [("interrupt", 25), ("cough", 12), ("click", 4)]


def test_rates_of_interruptions_are_over_the_eligible_ones(found) -> None:
    rates = {each.name: (each.rate.n, each.rate.value) for each in found.rates}
    assert rates["yield_rate"] == (20, 0.9)
    assert rates["missed_interruption_rate"] == (20, 0.1)
    assert found.yield_rate.value == 0.9


def test_rates_of_turns_that_belong_to_turn_taking_stand_beside_them(found) -> None:
    rates = {each.name: (each.rate.n, each.rate.value) for each in found.rates}
    assert rates["cut_in_rate"] == (20, 0.05)
    assert rates["false_cutoff_rate"] == (20, 0.0)
    assert rates["response_rate"] == (20, 1.0)


def test_false_interruptions_are_told_by_stimulus_and_all_together(found, rows) -> None:
    by_kind = {kind: (rate.n, rate.value) for kind, rate in false_interruptions(rows).items()}
    assert by_kind == {"cough": (12, 0.25), "click": (4, None)}
    overall = next(each.rate for each in found.rates if each.name == "false_interruption_rate")
    assert (overall.n, overall.value) == (16, 3 / 16)


def test_the_flow_is_the_share_of_all_events_handled_right_and_its_parts_add_up(rows) -> None:
    flow = conversation_flow(rows)
    assert flow.rate.n == sum(part.eligible for part in flow.parts) == 20 + 20 + 16 + 20
    right = sum(part.right for part in flow.parts)
    assert right == 20 + 18 + 13 + 19
    assert flow.rate.value == pytest.approx(right / flow.rate.n)


def test_the_interval_of_the_flow_goes_by_session(make_turns, make_rows) -> None:
    alike = [
        {"session": f"s{n}", "cut_in": float(n % 2), "outcome": "interrupted"}
        for n in range(20)
        for _ in range(8)
    ]
    flow = conversation_flow(make_rows(make_turns(*alike)))
    apart = conversation_flow(
        make_rows(make_turns(*[row | {"session": f"t{n}"} for n, row in enumerate(alike)]))
    )
    assert flow.rate.value == apart.rate.value == 0.5
    assert flow.rate.high - flow.rate.low > 2 * (apart.rate.high - apart.rate.low)


def test_void_stimuli_are_counted_and_left_out_of_everything_else(make_stimuli, make_rows) -> None:
    stimuli = make_stimuli(*INTERRUPTIONS, {"void": True, "yielded": 0.0, "kind": "cough"}).assign(
        barge_in_detect_error_ms=float("nan"), barge_in_server_stop_error_ms=float("nan")
    )
    found = summarise_turn_taking(make_rows(stimuli=stimuli))
    assert found is not None
    assert (found.void, found.stimuli) == (1, {"interrupt": 25})
    assert found.yield_rate.n == 20


def test_the_error_against_the_emulators_log_is_told_where_there_is_one(found) -> None:
    assert {name: error.mean_ms for name, error in found.measurement_errors.items()} == {
        "barge_in_detect_ms": 0.5
    }


def test_a_run_without_stimuli_has_no_turn_taking(make_rows) -> None:
    assert summarise_turn_taking(make_rows()) is None
