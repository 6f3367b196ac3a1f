from __future__ import annotations

import random

from rtbench.core.client_events import Json
from rtbench.emulator.plan import Plan, make_plan
from rtbench.emulator.response_request import response_request
from rtbench.emulator.settings import Settings

MS = 1_000_000
SETTINGS = Settings.defaults(session_id="s", model="m", expires_at=0)


def planned(service, written: Json | None = None, now: int = 0) -> Plan:
    request = response_request(SETTINGS, written)
    return make_plan(request, service.voice, service.profile, random.Random(1), now)


def due_ms(plan: Plan) -> list[float]:
    return [beat.due_ns / MS for beat in plan.beats]


def test_the_first_beat_is_due_after_the_delay_and_the_rest_at_the_pace(make_service):
    plan = planned(make_service(response_delay="250 ms", pace="2x"), now=1_000 * MS)
    assert due_ms(plan) == [1_250, 1_300, 1_350, 1_400, 1_450, 1_500, 1_550, 1_600]


def test_a_burst_is_due_at_once(make_service):
    assert set(due_ms(planned(make_service(response_delay="250 ms", pace="burst")))) == {250}


def test_chunks_have_the_length_of_the_profile(make_service):
    plan = planned(make_service(chunk="250 ms", response_delay="0 ms", pace="1x"))
    assert [beat.duration_ns / MS for beat in plan.beats] == [250, 250, 250, 50]
    assert due_ms(plan) == [0, 250, 500, 750]


def test_jitter_delays_beats_without_reordering_and_leaves_the_first_alone(make_service):
    jitter = {"empirical": ["0 ms", "180 ms"]}
    due = due_ms(planned(make_service(response_delay="100 ms", pace="1x", jitter=jitter)))
    assert due[0] == 100
    assert due == sorted(due)
    nominal = [100 + 100 * index for index in range(8)]
    late = [at - on for at, on in zip(due, nominal, strict=True)]
    assert max(late) == 180 and min(late) == 0


def test_leading_silence_comes_first_and_moves_the_audible_offset(make_service):
    plain = planned(make_service())
    led = planned(make_service(leading_silence="230 ms"))
    assert led.leading_silence_ms == 230
    assert [beat.duration_ns / MS for beat in led.beats[:3]] == [100, 100, 30]
    assert not any(led.beats[0].audio.data)
    assert led.audible_offset_ms == plain.audible_offset_ms + 230


def test_text_takes_a_chunk_s_time_for_each_word(make_service):
    plan = planned(make_service(response_delay="0 ms", pace="2x"), {"output_modalities": ["text"]})
    assert [beat.text for beat in plan.beats] == ["one", " two", " three", " four"]
    assert due_ms(plan) == [0, 50, 100, 150]
    assert plan.audible_offset_ms is None


def test_a_function_call_is_planned_from_its_schema(make_service):
    tool = {
        "type": "function",
        "name": "f",
        "parameters": {"properties": {"a": {"type": "string"}}, "required": ["a"]},
    }
    plan = planned(make_service(), {"tools": [tool], "tool_choice": "required"})
    assert "".join(beat.text for beat in plan.beats) == '{"a": "text"}'
    assert plan.reply == ""


def test_a_token_limit_cuts_the_plan(make_service):
    whole = planned(make_service())
    cut = planned(make_service(), {"max_output_tokens": 10})
    assert (whole.cut, cut.cut) == (False, True)
    assert list(cut.beats) == list(whole.beats[: len(cut.beats)])


def test_the_same_seed_plans_the_same(make_service):
    service = make_service(response_delay={"lognormal": {"median": "300 ms", "p95": "900 ms"}})
    assert planned(service) == planned(service)
