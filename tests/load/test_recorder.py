import pytest

from rtbench.load import recorder as recorder_module
from rtbench.load.recorder import Recorder
from rtbench.results import writer as writer_module
from rtbench.results.reader import read_run
from rtbench.results.run_directory import RunDirectory
from rtbench.results.writer import FLUSH_INTERVAL_NS


@pytest.fixture
def directory(tmp_path) -> RunDirectory:
    directory = RunDirectory(tmp_path)
    directory.run_json.write_text("{}")
    return directory


@pytest.fixture
def recorder(directory) -> Recorder:
    return Recorder(directory)


@pytest.fixture
def clock(monkeypatch):
    """The recorder's clock, to be set."""

    class Clock:
        now = 0

    monkeypatch.setattr(recorder_module, "monotonic_ns", lambda: Clock.now)
    return Clock


@pytest.fixture
def full_disk(monkeypatch) -> None:
    def refuse(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writer_module.pq, "write_table", refuse)


def test_every_table_is_kept_in_its_own_file(recorder, directory) -> None:
    recorder.take("turns", {"session": "w0-000001", "number": 1, "voice_to_voice_ms": 512.5})
    recorder.take("sessions", {"session": "w0-000001", "outcome": "completed"})
    recorder.take("generator", {"worker": "w0", "sessions": 3})
    recorder.take("waveforms", {"session": "w0-000001", "turn": 1, "peaks": [0, 5, 32_767]})
    recorder.close()
    run = read_run(directory.path)
    assert run.turns["voice_to_voice_ms"].tolist() == [512.5]
    assert run.sessions["outcome"].tolist() == ["completed"]
    assert run.generator["sessions"].tolist() == [3]
    assert run.waveforms["peaks"][0].tolist() == [0, 5, 32_767]


def test_rows_are_counted_by_table_as_they_come(recorder) -> None:
    for number in range(3):
        recorder.take("turns", {"number": number})
    recorder.take("sessions", {"session": "w0-000001"})
    assert recorder.received == {"turns": 3, "sessions": 1}


def test_a_table_that_nobody_knows_is_refused(recorder) -> None:
    with pytest.raises(KeyError):
        recorder.take("turn", {"number": 1})
    assert recorder.received.total() == 0


def test_rows_reach_the_disk_while_the_run_goes_on(recorder, directory, clock) -> None:
    recorder.flush_if_due()
    recorder.take("turns", {"session": "w0-000001", "number": 1})
    clock.now = FLUSH_INTERVAL_NS - 1
    recorder.flush_if_due()
    assert len(read_run(directory.path).turns) == 0
    clock.now = FLUSH_INTERVAL_NS
    recorder.flush_if_due()
    assert len(read_run(directory.path).turns) == 1


def test_a_full_disk_is_told_once_in_a_sentence_and_does_not_end_the_run(recorder, clock, full_disk) -> None:
    recorder.flush_if_due()
    for number in range(3):
        recorder.take("turns", {"number": number})
        clock.now += FLUSH_INTERVAL_NS
        recorder.flush_if_due()
    assert len(recorder.troubles) == 1
    assert "No space left on device" in recorder.troubles[0]


def test_rows_that_could_not_be_written_by_the_end_are_lost_and_counted(recorder, full_disk) -> None:
    recorder.take("turns", {"number": 1})
    recorder.take("sessions", {"session": "w0-000001"})
    recorder.take("generator", {"worker": "w0"})
    recorder.close()
    assert recorder.rows_lost == 2
    assert len(recorder.troubles) == 3
    assert recorder.received["turns"] == 1


def test_nothing_is_lost_on_a_disk_with_room(recorder) -> None:
    recorder.take("turns", {"number": 1})
    recorder.close()
    assert (recorder.rows_lost, recorder.troubles) == (0, [])
