from dataclasses import asdict

import msgspec
import pytest

from rtbench.core.errors import CredentialsRefused, ExitCode, RunInvalid, TargetUnreachable, UsageError
from rtbench.load import messages, row_channel
from rtbench.load.messages import WorkerReport, failure_message, failure_of


@pytest.mark.parametrize("kind", [UsageError, TargetUnreachable, CredentialsRefused, RunInvalid])
def test_a_failure_keeps_its_sentence_and_its_exit_code_on_the_way(kind) -> None:
    error = kind("a.yaml:3: users: must be above 0")
    carried = msgspec.msgpack.decode(msgspec.msgpack.encode(failure_message(error)))
    arrived = failure_of(carried)
    assert str(arrived) == str(error)
    assert arrived.exit_code is kind.exit_code


def test_a_failure_that_arrived_leaves_the_codes_of_others_alone() -> None:
    failure_of({"message": "gone", "exit_code": 5})
    assert failure_of({"message": "bad", "exit_code": 1}).exit_code is ExitCode.USAGE


def test_an_exit_code_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="77"):
        failure_of({"message": "gone", "exit_code": 77})


def test_a_workers_report_travels_as_its_fields() -> None:
    report = WorkerReport(12, engine_died=True, trace_error="The disk is full.")
    assert WorkerReport(**msgspec.msgpack.decode(msgspec.msgpack.encode(asdict(report)))) == report


def test_a_worker_that_held_no_call_has_nothing_to_say() -> None:
    assert asdict(WorkerReport()) == {
        "rows_sent": 0,
        "engine_died": False,
        "engine_fell_silent": False,
        "trace_error": "",
        "sessions_started": 0,
        "sessions_not_started": 0,
    }


def test_no_two_messages_have_the_same_name() -> None:
    names = [messages.BEGIN, messages.READY, messages.FAILED, messages.DRAIN, messages.DRAINED]
    names += [messages.LEVEL, messages.ARRIVAL]
    assert len({*names, row_channel.ROWS}) == 8
