from rtbench.load.family import RunIdentity


def test_a_run_is_told_apart_by_four_labels_and_its_version_is_none_of_them() -> None:
    identity = RunIdentity("20261101-nightly", "nightly", "webrtc", "emulator", "1.2")
    assert identity.labels() == {
        "scenario": "nightly",
        "transport": "webrtc",
        "target": "emulator",
        "run": "20261101-nightly",
    }
