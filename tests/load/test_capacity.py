"""A search under way, with callers, service and clock made up: an hour of it takes a moment."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hdrh.histogram import HdrHistogram

from rtbench.analysis.capacity_search import Judgement, SearchPlan
from rtbench.analysis.capacity_step import StepResult
from rtbench.load import capacity as module
from rtbench.load.capacity import CapacityPlan, CapacitySearch, StepTimes, estimate_search
from rtbench.load.course import Lead
from rtbench.load.reference import ReferenceCall
from rtbench.scenario.model import Scenario
from rtbench.scenario.threshold import parse_threshold

NS_PER_S = 1_000_000_000
TURN_S = 5.0


class Service:
    """Callers who have a turn every five seconds, and wait longer the more of them there are; sleeping makes time pass.

    Up to 20 callers wait 500 ms, each further one adds 25: 800 ms are crossed at 32.
    """

    target = "http://127.0.0.1:9/v1"

    def __init__(self) -> None:
        self.now_ns = 100 * NS_PER_S
        self.callers = 0
        self.levels: list[int] = []
        self.late_from = 10_000
        self.emulator_late_from = 10_000
        self.search: CapacitySearch | None = None
        self._due = 0.0
        self._second_ns = self.now_ns

    def set_level(self, users: int) -> None:
        self.callers = users
        self.levels.append(users)

    def arrive(self) -> None:
        raise AssertionError("nobody arrives in a closed load")

    def sleep(self, seconds: float) -> None:
        end_ns = self.now_ns + max(1, round(seconds * NS_PER_S))
        while self.now_ns < end_ns:
            step_ns = min(NS_PER_S // 20, end_ns - self.now_ns)
            self.now_ns += step_ns
            self._due += self.callers * step_ns / NS_PER_S / TURN_S
            while self._due >= 1:
                self._due -= 1
                self._turn()
            if self.now_ns - self._second_ns >= NS_PER_S:
                self._second_ns = self.now_ns
                self._health()

    def _turn(self) -> None:
        assert self.search is not None
        wait_ms = 500.0 + 25.0 * max(0, self.callers - 20)
        row = {"at_unix_ns": self.now_ns, "outcome": "answered", "voice_to_voice_ms": wait_ms, "session": "s"}
        self.search.watch("turns", {**row, "expects_answer": True, "void": False})

    def _health(self) -> None:
        assert self.search is not None
        histogram = HdrHistogram(1, 60_000_000, 3)
        histogram.record_value(30_000 if self.callers > self.late_from else 300)
        row = {"worker": "w0", "at_unix_ns": self.now_ns, "interval_ms": 1000.0, "sessions": self.callers}
        row |= {"cpu_share": 0.2, "frames_sent": 25, "send_lateness_max_ms": 1.0, "loop_lag_max_ms": 1.0}
        row |= {"gc_pause_max_ms": 0.0, "rows_written": 0, "rss_bytes": 1}
        self.search.watch("generator", {**row, "send_lateness": histogram.encode().decode()})
        late = self.callers > self.emulator_late_from
        self.search.watch("emulator", {"cpu_share": 0.3, "loop_lag_max_ms": 90.0 if late else 2.0})


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Service:
    service = Service()
    monkeypatch.setattr(module, "monotonic_ns", lambda: service.now_ns)
    monkeypatch.setattr(module, "unix_ns", lambda: service.now_ns)
    monkeypatch.setattr(module.gevent, "sleep", service.sleep)
    return service


@pytest.fixture
def search(service: Service) -> Callable[..., CapacitySearch]:
    """Search to the end."""

    def search(first: float = 10, most: float = 100, **plan: Any) -> CapacitySearch:
        noted: list[StepResult] = []
        found = CapacitySearch(
            CapacityPlan(
                slos=(parse_threshold("voice_to_voice_ms:p95<800"),),
                search=SearchPlan(first, most, repeats=1),
                scenario="made_up",
                transport="websocket",
                most_users=int(most),
                times=StepTimes(hold_s=15.0),
                **plan,
            ),
            noted.append,
        )
        service.search = found
        lead: Lead = service
        found.drive(lead)
        assert noted == found.steps
        return found

    return search


def test_the_knee_is_found_and_every_step_has_the_samples_that_its_slo_needs(search) -> None:
    found = search()
    assert found.found.ending == "edge"
    assert found.found.level == 31  # 32 are at the limit, which is not below it
    assert found.found.confirmed
    assert all(slo.n >= 2 * 59 for step in found.steps for slo in step.slos)
    soak = found.steps[-1]
    assert soak.phase == "soak"
    assert soak.seconds >= 3 * 15
    assert soak.slos[0].n >= 3 * 2 * 59


def test_what_came_while_the_load_was_reached_is_not_in_the_figures(search) -> None:
    found = search()
    for step in found.steps:
        assert step.voice_to_voice_ms[0] == 500.0 + 25.0 * max(0, step.level - 20)
        assert step.concurrency == step.level


def test_callers_come_and_go_one_by_one(search, service) -> None:
    search()
    jumps = [
        abs(after - before)
        for before, after in zip([0, *service.levels], service.levels, strict=False)
        if after != 0  # all hang up at once
    ]
    assert max(jumps) <= 1


def test_after_a_load_that_broke_all_hang_up_before_the_next_one(search, service) -> None:
    found = search()
    broken = [step for step in found.steps if step.judgement is Judgement.BREAKS]
    begun = service.levels.index(10)
    top = service.levels.index(round(broken[0].level))
    assert 0 not in service.levels[begun:top]  # from load to load while they hold
    assert service.levels[top + 1] == 0


def test_the_generators_limit_is_tried_again_and_then_believed(search, service) -> None:
    service.late_from = 20
    found = search()
    assert found.found.ending == "generator"
    late = [step for step in found.steps if step.judgement is Judgement.GENERATOR]
    assert [step.level for step in late] == [22.0] * (module.RETRIES + 1)


def test_an_emulator_that_cannot_keep_up_is_no_knee_of_a_service(search, service) -> None:
    service.emulator_late_from = 20
    found = search()
    assert found.found.ending == "generator"
    last = found.steps[-1]
    assert (last.level, last.verdict.findings[0].code) == (22.0, "emulator_late")
    assert all(step.verdict.level == "VALID" for step in found.steps if step.level <= 20)


def test_a_busy_moment_is_no_limit(search, service) -> None:
    service.late_from = 20
    watch = CapacitySearch.watch

    def recover(self: CapacitySearch, table: str, row: dict[str, Any]) -> None:
        if len(self.steps) > 2:
            service.late_from = 10_000
        watch(self, table, row)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CapacitySearch, "watch", recover)
        assert search().found.ending == "edge"


def test_the_reference_session_is_one_of_the_callers(search, service) -> None:
    calls: list[Any] = []

    class Reference:
        def start(self, target: str) -> None:
            calls.append(target)

        def hang_up(self) -> None:
            calls.append("told to end")

    found = search(reference=Reference())
    assert calls == [service.target, "told to end"]  # and not waited for
    assert {step.level for step in found.steps} == {step.concurrency + 1 for step in found.steps}


def test_nobody_is_to_call_once_the_search_is_over(search, service) -> None:
    search()
    assert service.callers == 0


def test_nobody_is_to_call_once_the_search_is_stopped(search, service) -> None:
    class Stopped(BaseException):
        """As a greenlet that is killed."""

    end_ns = service.now_ns + 60 * NS_PER_S
    sleep = service.sleep

    def stop_after_a_minute(seconds: float) -> None:
        if service.now_ns > end_ns:
            raise Stopped
        sleep(seconds)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module.gevent, "sleep", stop_after_a_minute)
        with pytest.raises(Stopped):
            search()
    assert max(service.levels) > 0
    assert service.callers == 0


def test_a_step_that_starves_ends_after_its_longest_time(search) -> None:
    found = search(first=1, most=2)
    assert found.found.ending == "samples"
    assert found.steps[0].seconds == pytest.approx(180, abs=2)


SCENARIO = Scenario.model_validate({"name": "a", "conversation": [{"say": "hours_question"}, "listen"]})


def test_the_estimate_of_a_search_goes_from_its_shortest_course_to_its_longest() -> None:
    """By hand: 10, 5, 2 and 1 callers for a step of 5 + 5 + 15 s each, none of which holds; or 10 for one of 180 s and
    a last one of 540 s."""
    slo = parse_threshold("voice_to_voice_ms:p95<800")
    plan = CapacityPlan((slo,), SearchPlan(10, 10, repeats=1), "a", "websocket", 10)
    assert str(estimate_search(SCENARIO, plan)).startswith("8 to 123 call minutes, about ")


def test_the_estimate_of_an_open_search_knows_the_cap_and_the_caller_beside_it(tmp_path: Path) -> None:
    """By hand: at a call per second 180 calls of three minutes are under way, of which 29 may be, and one beside. Where
    calls begin by themselves a load settles for 180 s at most, as long as a call."""
    slo = parse_threshold("voice_to_voice_ms:p95<800")
    search = SearchPlan(1, 1, repeats=1, whole=False)
    beside = ReferenceCall(tmp_path / "a.yaml", tmp_path, [])
    plan = CapacityPlan((slo,), search, "a", "websocket", 29, open_load=True, reference=beside)
    assert estimate_search(SCENARIO, plan).minutes == pytest.approx(
        30 * ((5 + 180 + 180) + (5 + 180 + 540)) / 60
    )


def test_where_calls_are_judged_a_load_may_take_as_long_to_settle_as_a_call() -> None:
    """By hand: ten callers for 5 + 180 + 180 s and for 5 + 180 + 540 s; a call is not longer than the longest step."""
    slo = parse_threshold("session_success_rate:rate>0.9")
    plan = CapacityPlan((slo,), SearchPlan(10, 10, repeats=1), "a", "websocket", 10)
    assert estimate_search(SCENARIO, plan).minutes == pytest.approx(10 * (365 + 725) / 60)
