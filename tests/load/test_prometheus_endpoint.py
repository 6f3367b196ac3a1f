"""The end point by the client library's own parser, and by Prometheus's own checker where Debian's package is installed."""

from __future__ import annotations

import shutil
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator

import gevent
import pytest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from rtbench.core.errors import UsageError
from rtbench.load.prometheus_endpoint import PrometheusEndpoint

RUN = {
    "scenario": "brief",
    "transport": "websocket",
    "target": "emulator",
    "run": "20261101-020000-brief",
}


@pytest.fixture
def port() -> Iterator[int]:
    """One that nobody else gets as long as the test lasts: it is held by a socket that does not listen."""
    with socket.socket() as holder:
        holder.setsockopt(
            socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
        )  # as the end point's own: both may have it
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


@pytest.fixture
def endpoint(port: int) -> Iterator[PrometheusEndpoint]:
    endpoint = PrometheusEndpoint("127.0.0.1", port)
    yield endpoint
    endpoint.close()


def fetch(port: int, path: str = "/metrics") -> str:
    def ask() -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
            found: str = answer.read().decode()
        return found

    told: str = gevent.get_hub().threadpool.apply(ask)
    return told


def samples(text: str) -> dict[str, list[Sample]]:
    found: dict[str, list[Sample]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, []).append(sample)
    return found


def test_before_a_run_there_is_nothing_to_tell(endpoint, port) -> None:
    assert fetch(port) == ""


def test_a_run_is_told_as_of_now(endpoint, port, tally, identity, turn_of) -> None:
    endpoint.show(tally, identity)
    tally.take("turns", turn_of(450))
    answered = {**RUN, "outcome": "answered"}
    assert [s.value for s in samples(fetch(port))["rtbench_turns_total"] if s.labels == answered] == [1]
    tally.take("turns", turn_of(820))
    found = samples(fetch(port))
    assert [s.value for s in found["rtbench_turns_total"] if s.labels == answered] == [2]
    buckets = {s.labels["le"]: s.value for s in found["rtbench_voice_to_voice_seconds_bucket"]}
    assert (buckets["0.4"], buckets["0.5"], buckets["0.9"], buckets["+Inf"]) == (0, 1, 2, 2)
    assert [s.value for s in found["rtbench_voice_to_voice_seconds_sum"]] == [pytest.approx(1.27)]
    assert [s.labels for s in found["rtbench_run_info"]] == [{**RUN, "version": "1.2.3"}]


def test_every_measurement_has_a_type_a_sentence_and_the_labels_of_its_run(
    endpoint, port, tally, identity, turn_of, second_of
) -> None:
    endpoint.show(tally, identity)
    tally.take("turns", turn_of(450))
    tally.take("generator", second_of("w0", sessions=2))
    for family in text_string_to_metric_families(fetch(port)):
        assert family.documentation
        assert family.type in ("counter", "gauge", "histogram")
        assert family.name.startswith("rtbench_")
        assert all(sample.labels.items() >= RUN.items() for sample in family.samples)


def test_units_are_base_units_at_the_end_of_the_name(
    endpoint, port, watched, identity, turn_of, second_of
) -> None:
    tally = watched()
    endpoint.show(tally, identity)
    tally.take("turns", turn_of(450, cost_usd=0.01))
    tally.take("generator", second_of("w0"))
    found = samples(fetch(port))
    assert {
        "rtbench_cost_usd_total", "rtbench_call_time_seconds_total", "rtbench_engine_cpu_ratio",
        "rtbench_engine_resident_memory_bytes", "rtbench_send_lateness_seconds_count", "rtbench_verdict",
    } <= found.keys()  # fmt: skip


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed (Debian: prometheus)")
def test_prometheuss_own_checker_has_nothing_to_say(
    endpoint, port, watched, identity, turn_of, session_of, second_of, stimulus_of, incident_of
) -> None:
    tally = watched()
    endpoint.show(tally, identity)
    tally.take("turns", turn_of(450, cost_usd=0.01, input_audio_tokens=9))
    tally.take("turns", turn_of(None, outcome="no_answer"))
    tally.take("sessions", session_of("completed"))
    tally.take("stimuli", stimulus_of("interrupt", 300.0))
    tally.take("incidents", incident_of("recovered", 900.0))
    tally.take("mishaps", {"error_class": 'a "quoted"\nclass', "phase": "setup"})
    tally.take("generator", second_of("w0"))
    checked = subprocess.run(
        ["promtool", "check", "metrics"], input=fetch(port), capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_other_pages_say_where_the_measurements_are(endpoint, port) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        fetch(port, "/")
    assert refused.value.code == 404
    assert b"/metrics" in refused.value.read()
    refused.value.close()


def test_a_port_that_is_taken_is_told_in_one_sentence(endpoint, port) -> None:
    with pytest.raises(UsageError) as refused:
        PrometheusEndpoint("127.0.0.1", port)
    assert str(refused.value) == (
        f"--prometheus: 127.0.0.1:{port} is taken or cannot be listened at (Address already in use); choose another one"
    )


def test_a_host_that_means_nothing_is_told_in_one_sentence() -> None:
    with pytest.raises(UsageError, match=r"--prometheus: 203\.0\.113\.9:9464 is taken or cannot be listened"):
        PrometheusEndpoint("203.0.113.9", 9464)


def test_a_host_that_no_host_can_be_named_is_told_in_one_sentence() -> None:
    with pytest.raises(
        UsageError, match=r"--prometheus: a\.\.b:9464 is taken or cannot .* \(no name of a host\)"
    ):
        PrometheusEndpoint("a..b", 9464)


def test_after_the_run_nobody_answers(port, tally, identity) -> None:
    endpoint = PrometheusEndpoint("127.0.0.1", port)
    endpoint.show(tally, identity)
    endpoint.close()
    with pytest.raises(urllib.error.URLError):
        fetch(port)
