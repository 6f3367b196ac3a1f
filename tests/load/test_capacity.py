"""A search under way, with callers, service and clock made up: an hour of it takes a moment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hdrh.histogram import HdrHistogram

from rtbench.analysis.capacity_search import Judgement, SearchPlan
from rtbench.analysis.capacity_step import StepResult
from rtbench.load import capacity as module
from rtbench.load.capacity import CapacitySearch
from rtbench.load.capacity_plan import CapacityPlan, StepTimes
from rtbench.load.course import Lead
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


CALL_S = 10.0
"""Of the open load below; 40 s at 1.5 calls per second and more, where the service is slow."""


class OpenService(Service):
    """Calls at a rate, each with a turn every five seconds; the slower the service, the longer they last.

    Those that find `cap` calls under way do not begin. Its waits are within the limit unless `wait_ms` says otherwise.
    """

    def __init__(self, cap: int) -> None:
        super().__init__()
        self.cap, self.rate, self.wait_ms = cap, 0.0, 500.0
        self._arrivals_due = 0.0
        self._ends_ns: list[int] = []

    def spawn(self, arrive: Callable[..., None], lead: Lead, rate: float) -> OpenService:
        """In place of the greenlet of arrivals."""
        self.rate = rate
        return self

    def kill(self) -> None:
        self.rate = 0.0

    def sleep(self, seconds: float) -> None:
        end_ns = self.now_ns + max(1, round(seconds * NS_PER_S))
        while self.now_ns < end_ns:
            self._come_and_go(min(NS_PER_S // 20, end_ns - self.now_ns))
            super().sleep(min(NS_PER_S // 20, end_ns - self.now_ns) / NS_PER_S)

    def _come_and_go(self, step_ns: int) -> None:
        assert self.search is not None
        for _ in [end_ns for end_ns in self._ends_ns if end_ns <= self.now_ns]:
            self._ends_ns.pop(0)
            call_ns = round(self._call_s * NS_PER_S)
            row = {"outcome": "completed", "planned_ns": 0, "ended_ns": call_ns, "session_success": 1.0}
            self.search.watch("sessions", {"session": "s", "void": False, **row})
        self._arrivals_due += self.rate * step_ns / NS_PER_S
        while self._arrivals_due >= 1:
            self._arrivals_due -= 1
            if len(self._ends_ns) < self.cap:
                self._ends_ns.append(self.now_ns + round(self._call_s * NS_PER_S))
        self._ends_ns.sort()
        self.callers = len(self._ends_ns)

    @property
    def _call_s(self) -> float:
        return 4 * CALL_S if self.rate >= 1.5 else CALL_S

    def _turn(self) -> None:
        assert self.search is not None
        row = {"at_unix_ns": self.now_ns, "outcome": "answered", "voice_to_voice_ms": self.wait_ms}
        self.search.watch("turns", {**row, "session": "s", "expects_answer": True, "void": False})


@pytest.fixture
def open_search(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[CapacitySearch, list[StepResult]]]:
    """Search calls per second to the end."""

    def search(service: OpenService, most: float = 4.0) -> tuple[CapacitySearch, list[StepResult]]:
        monkeypatch.setattr(module, "monotonic_ns", lambda: service.now_ns)
        monkeypatch.setattr(module, "unix_ns", lambda: service.now_ns)
        monkeypatch.setattr(module.gevent, "sleep", service.sleep)
        monkeypatch.setattr(module.gevent, "spawn", service.spawn)
        plan = CapacityPlan(
            slos=(parse_threshold("voice_to_voice_ms:p95<800"),),
            search=SearchPlan(1.0, most, whole=False, repeats=1),
            scenario="made_up",
            transport="websocket",
            most_users=service.cap,
            open_load=True,
        )
        service.search = found = CapacitySearch(plan, lambda step: None)
        found.drive(service)
        return found, found.steps

    return search


def test_calls_that_pile_up_to_the_cap_are_not_the_machines_doing(open_search) -> None:
    """At 1.5 calls per second they last 40 s: 60 would be under way, and 40 may be."""
    search, steps = open_search(OpenService(cap=40))
    assert search.found is not None
    assert (search.found.ending, search.found.level, search.found.stopped_at) == ("cap", 1.0, 1.5)
    assert [(step.level, step.judgement) for step in steps] == [
        (1.0, Judgement.HOLDS),
        (1.5, Judgement.CAP),  # once: to try again would change nothing
    ]
    assert steps[-1].verdict.level == "VALID"


def test_with_a_higher_cap_the_same_service_is_searched_to_the_end(open_search) -> None:
    search, steps = open_search(OpenService(cap=200))
    assert search.found is not None
    assert (search.found.ending, search.found.level) == ("most", 4.0)
    assert not [step for step in steps if step.judgement is Judgement.CAP]


def test_what_breaks_with_fewer_calls_than_were_asked_for_breaks(open_search) -> None:
    service = OpenService(cap=8)  # ten are under way at one call per second
    service.wait_ms = 900.0
    _, steps = open_search(service)
    assert (steps[0].level, steps[0].judgement) == (1.0, Judgement.BREAKS)
    assert not [step for step in steps if step.judgement is Judgement.CAP]


def test_a_machine_that_is_late_with_its_cap_is_late(open_search) -> None:
    service = OpenService(cap=40)
    service.late_from = 30
    search, steps = open_search(service)
    assert search.found is not None
    assert (search.found.ending, search.found.stopped_at) == ("generator", 1.5)
    assert [step.judgement for step in steps[1:]] == [Judgement.GENERATOR] * (module.RETRIES + 1)
