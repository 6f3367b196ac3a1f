"""The bench of an environment: whose it is, its scenarios, and what Locust's own events do with it."""

from __future__ import annotations

import pytest
from locust.exception import StopUser

from rtbench.core.errors import UsageError
from rtbench.load import bench as bench_module
from rtbench.load.bench import Bench
from rtbench.load.realtime_user import caller_class

HOST = "http://127.0.0.1:9/v1"


def test_an_environment_has_its_bench_and_the_scenarios_patience(attach, environment, local) -> None:
    with pytest.raises(KeyError):
        Bench.of(environment)
    bench = attach(local)
    assert Bench.of(environment) is bench
    assert environment.stop_timeout == 7.0
    environment.stop_timeout = 3.0
    attach(local)
    assert environment.stop_timeout == 3.0  # what was asked for stays


def test_a_scenario_that_cannot_be_used_is_refused_at_once(attach, environment, tmp_path, local) -> None:
    environment.user_classes = [caller_class(tmp_path / "nowhere.yaml", until_stopped=False)]
    with pytest.raises(UsageError, match=r"nowhere\.yaml"):
        attach(local)


def test_a_caller_without_a_scenario_is_told_what_it_needs(attach, environment, local) -> None:
    environment.user_classes = [caller_class("", until_stopped=False)]
    with pytest.raises(UsageError, match=r"needs `scenario`"):
        attach(local)


def test_nobody_calls_before_the_run_has_begun(attach, local) -> None:
    with pytest.raises(StopUser):
        attach(local).pool  # noqa: B018  # it is the asking that raises


def test_locusts_page_shows_whole_milliseconds(attach, local) -> None:
    attach(local)
    assert bench_module.stats.bucket_response_time(1234.6) == 1235


def test_locust_itself_begins_a_run_once(attach, environment, stage, local) -> None:
    attach(local)
    environment.events.test_start.fire(environment=environment)
    environment.events.test_start.fire(environment=environment)
    assert len(stage.pools) == 1
    environment.events.test_stopping.fire(environment=environment)


def test_without_callers_there_is_no_run(attach, environment, stage, tmp_path, local) -> None:
    environment.user_classes = []
    bench = attach(local)
    environment.events.test_start.fire(environment=environment)
    environment.events.test_stopping.fire(environment=environment)
    assert (stage.pools, bench.ended, (tmp_path / "reports").exists()) == ([], None, False)


@pytest.mark.parametrize(
    ("option", "of_the_class", "target"),
    [
        ("", "", HOST),
        ("", "http://class/v1", "http://class/v1"),
        ("http://o/v1", "http://class/v1", "http://o/v1"),
    ],
)
def test_the_host_option_goes_before_the_classs(
    attach, environment, stage, option, of_the_class, target, local
) -> None:
    environment.user_classes[0].host = of_the_class
    environment.host = option
    attach(local).begin_run()
    assert stage.pools[0].settings.target == target
    environment.events.test_stopping.fire(environment=environment)
