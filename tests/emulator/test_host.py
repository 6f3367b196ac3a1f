from __future__ import annotations

import json

import pytest

from rtbench.core.client_events import ResponseCreate
from rtbench.core.response_events import ResponseCreated, ResponseDone
from rtbench.core.server_events import SessionCreated
from rtbench.emulator.host import Host, TruthKeeper
from rtbench.emulator.refusal import Refusal
from rtbench.emulator.truth_file import TruthFile

MS = 1_000_000


@pytest.fixture
def path(tmp_path):
    return tmp_path / "truth.jsonl"


@pytest.fixture
def host(make_service, path):
    host = Host(make_service(response_delay="0 ms", pace="burst"), None, TruthFile(path))
    yield host
    host.close()


def test_every_session_has_ids_of_its_own(host):
    (first, first_codec), (second, second_codec) = host.open("m"), host.open("m")
    assert first.session_id != second.session_id
    created = SessionCreated(session={})
    assert first_codec.encode(created) != second_codec.encode(created)


def test_a_configuration_is_in_force_from_the_beginning_and_must_be_allowed(host):
    machine, _ = host.open("m", configuration={"type": "realtime", "model": "m", "instructions": "Be brief."})
    machine.start(0)
    [created] = [outgoing.event for outgoing in machine.outgoing()]
    assert created.session["instructions"] == "Be brief."
    with pytest.raises(Refusal, match=r"session\.colour"):
        host.open("m", configuration={"type": "realtime", "colour": "red"})


def test_truth_is_written_when_the_next_response_begins(host, path):
    machine, _ = host.open("m")
    keeper = TruthKeeper(host, machine)
    machine.start(0)
    for second in (1, 2):
        machine.receive(ResponseCreate(), second * 1_000 * MS)
        for outgoing in machine.outgoing():
            machine.sent(outgoing.event, second * 1_000 * MS)
            keeper.sent(outgoing.event, 0, 0)
            if type(outgoing.event) is ResponseDone and second == 1:
                assert path.read_text() == ""
            if type(outgoing.event) is ResponseCreated and second == 2:
                [row] = map(json.loads, path.read_text().splitlines())
                assert (row["session_id"], row["transport"]) == (machine.session_id, "websocket")
