"""What may be compared with what."""

import pytest

from rtbench.analysis.comparability import (
    differences,
    effective_codec,
    effective_networks,
    likeness,
    refuse_incomparable,
    refuse_invalid,
)
from rtbench.analysis.compare import verdict_of
from rtbench.core.errors import UsageError
from rtbench.results.reader import read_run

SMALL = {"sessions": 2, "turns": 2}


@pytest.fixture(scope="module")
def base(night):
    return read_run(night("comparable-base", **SMALL))


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("slower emulator", {"delay": 900}),
        ("another name", {"scenario": "renamed"}),
        ("another target", {"target": "openai", "seed": 9}),
    ],
)
def test_what_a_comparison_is_about_may_differ(night, base, name: str, change: dict) -> None:
    assert list(differences(base.provenance, read_run(night(name, **SMALL, **change)).provenance)) == []


@pytest.mark.parametrize(
    ("name", "change", "told"),
    [
        ("metrics", {"metric_version": 3}, "metric version 2 and 3"),
        ("transport", {"transport": "webrtc"}, "transport websocket and webrtc"),
        (
            "corpus",
            {"corpus": {"name": "mine", "sha256": "beef"}},
            r"corpus english \(sha256 c0ffee\) and mine",
        ),
        ("users", {"users": 50}, "scenarios differ in users"),
    ],
)
def test_what_must_be_the_same_is_told_where_it_is_not(
    night, base, name: str, change: dict, told: str
) -> None:
    other = read_run(night(f"other-{name}", **SMALL, **change))
    with pytest.raises(UsageError, match=rf"^comparable-base and other-{name} cannot be compared: .*{told}"):
        refuse_incomparable(base, [base, other])


@pytest.mark.parametrize(
    ("name", "change", "unlike"),
    [
        ("slower emulator again", {"delay": 900}, set()),
        ("another target again", {"target": "openai", "seed": 9}, set()),
        ("other transport", {"transport": "webrtc"}, {"transport", "codec"}),
        ("other corpus", {"corpus": {"name": "mine", "sha256": "beef"}}, {"corpus"}),
        ("other users", {"users": 50}, {"scenario"}),
        ("other metrics", {"metric_version": 3}, {"metric version"}),
    ],
)
def test_runs_are_alike_where_they_can_be_compared(night, base, name: str, change: dict, unlike: set) -> None:
    other = read_run(night(name, **SMALL, **change))
    one, two = likeness(base.provenance), likeness(other.provenance)
    assert {key for key in one if one[key] != two[key]} == unlike
    assert bool(list(differences(base.provenance, other.provenance))) == bool(unlike)


@pytest.mark.parametrize(
    ("lines", "networks"),
    [("", []), ("network: 4g\n", ["4g"]), ("network: {delay: 80 ms}\n", ["custom"])],
)
def test_the_network_of_a_run_is_that_of_its_scenarios(lines: str, networks: list[str]) -> None:
    text = f"name: a\nconversation: [{{say: {{role: question}}}}, listen]\n{lines}"
    assert effective_networks({"scenarios": [{"path": "a.yaml", "text": text}]}) == networks


def test_the_load_that_was_held_counts_more_than_the_scenarios(night) -> None:
    load = {"users": 5, "spawn_rate": 1.0, "shape": None}
    one, same = (read_run(night(f"load-{users}", **SMALL, users=users, load=load)) for users in (5, 6))
    more = read_run(night("load-more", **SMALL, load=load | {"users": 9}))
    assert list(differences(one.provenance, same.provenance)) == []
    assert list(differences(one.provenance, more.provenance)) == [
        "load users 5, spawn_rate 1.0 and users 9, spawn_rate 1.0"
    ]


def test_a_run_whose_numbers_are_its_own_is_refused(night, base) -> None:
    lost = read_run(night("lost", **SMALL, rows_lost=3))
    refuse_invalid(base, verdict_of(base))
    with pytest.raises(UsageError, match=r"^lost cannot be compared: it is INVALID \(3 of 9 rows"):
        refuse_invalid(lost, verdict_of(lost))


MEDIA = {"transport": "webrtc"}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"codec": "opus"}, {"codec": "pcmu"}),
        ({"codec": "opus"}, {"command": ["rtbench", "run", "x.yaml", "--codec", "pcmu"]}),
        (
            {"command": ["rtbench", "run", "x.yaml"]},
            {"command": ["rtbench", "run", "--codec=pcmu", "x.yaml"]},
        ),
    ],
)
def test_opus_is_not_compared_with_pcmu_whoever_asked_for_it(night, tmp_path, one, other) -> None:
    a, b = (
        read_run(night(name, folder=tmp_path, **SMALL, **MEDIA, **asked))
        for name, asked in (("opus", one), ("pcmu", other))
    )
    assert list(differences(a.provenance, b.provenance)) == ["codec opus and pcmu"]
    assert list(differences(a.provenance, a.provenance)) == []


@pytest.mark.parametrize(
    ("run", "codec"),
    [
        ({"transport": "websocket", "codec": ""}, ""),
        ({"transport": "websocket", "command": ["--codec", "pcmu"]}, ""),
        ({"transport": "webrtc", "scenarios": [{"path": "x", "text": "codec: pcma"}]}, "pcma"),
        (
            {
                "transport": "webrtc+websocket",
                "scenarios": [
                    {"path": "x", "text": "transport: webrtc"},
                    {"path": "y", "text": "codec: pcma"},
                ],
            },
            "opus",
        ),
    ],
)
def test_the_codec_of_a_run_is_that_of_its_webrtc_calls(run, codec) -> None:
    assert effective_codec(run) == codec
