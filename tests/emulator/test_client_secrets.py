from __future__ import annotations

import pytest

from rtbench.emulator.access import HttpError
from rtbench.emulator.client_secrets import ClientSecrets, checked_configuration

NOW_S = 1_800_000_000
ORDINARY = {"Authorization": "Bearer sk-mine"}
SESSION = {"type": "realtime", "model": "gpt-realtime-2", "instructions": "Be brief."}


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


@pytest.fixture
def secrets() -> ClientSecrets:
    return ClientSecrets("sk-mine")


def test_a_secret_shows_its_whole_session_and_lives_for_ten_minutes(secrets):
    body = secrets.issue(ORDINARY, {"session": SESSION}, "t1", NOW_S)
    assert (body["value"], body["expires_at"]) == ("ek_t1", NOW_S + 600)
    session = body["session"]
    assert (session["object"], session["model"]) == ("realtime.session", "gpt-realtime-2")
    assert session["instructions"] == "Be brief."
    assert session["audio"]["input"]["turn_detection"]["type"] == "server_vad"


def test_without_a_session_it_is_one_of_the_default_model(secrets):
    body = secrets.issue(ORDINARY, {}, "t1", NOW_S)
    assert body["session"]["model"] == "gpt-realtime"
    assert secrets.admit(bearer("ek_t1"), NOW_S) == {"type": "realtime", "model": "gpt-realtime"}


@pytest.mark.parametrize("seconds", [10, 7200])
def test_it_opens_sessions_with_its_configuration_until_it_expires(secrets, seconds):
    secrets.issue(ORDINARY, {"session": SESSION, "expires_after": {"seconds": seconds}}, "t1", NOW_S)
    for _ in range(2):
        assert secrets.admit(bearer("ek_t1"), NOW_S + seconds - 1) == SESSION
    with pytest.raises(HttpError) as caught:
        secrets.admit(bearer("ek_t1"), NOW_S + seconds)
    assert (caught.value.status, caught.value.code) == (401, "token_expired")
    secrets.issue(ORDINARY, {}, "t2", NOW_S + seconds + 599)
    with pytest.raises(HttpError) as caught:
        secrets.admit(bearer("ek_t1"), NOW_S + seconds + 599)
    assert caught.value.code == "token_expired"
    secrets.issue(ORDINARY, {}, "t3", NOW_S + seconds + 600)
    with pytest.raises(HttpError) as caught:
        secrets.admit(bearer("ek_t1"), NOW_S + seconds + 600)
    assert caught.value.code == "invalid_api_key"


def test_a_short_life_is_forgotten_behind_a_long_one(secrets):
    secrets.issue(ORDINARY, {"expires_after": {"seconds": 7200}}, "long", NOW_S)
    secrets.issue(ORDINARY, {"expires_after": {"seconds": 10}}, "short", NOW_S)
    secrets.issue(ORDINARY, {}, "t3", NOW_S + 610)
    assert secrets.kept == 2
    assert secrets.admit(bearer("ek_long"), NOW_S + 7199)


def test_a_request_looks_at_no_more_than_it_forgets(secrets):
    """Of 1,200 each new one makes one be forgotten: that one is looked at, and the next, which stays."""
    looked = 0

    class Looked(list):
        def __getitem__(self, index):
            nonlocal looked
            looked += 1
            return super().__getitem__(index)

    for second in range(1_200):
        secrets.issue(ORDINARY, {}, f"a{second}", NOW_S + second)
    assert secrets.kept == 1_200
    secrets._expiries = Looked(secrets._expiries)
    for second in range(1_200, 1_300):
        secrets.issue(ORDINARY, {}, f"a{second}", NOW_S + second)
    assert secrets.kept == 1_200
    assert looked == 200


def test_ordinary_keys_open_sessions_without_a_configuration(secrets):
    assert secrets.admit(ORDINARY, NOW_S) is None
    assert ClientSecrets().admit(bearer("anything"), NOW_S) is None


@pytest.mark.parametrize("headers", [{}, bearer("sk-other"), bearer("ek_unknown")])
def test_no_key_and_a_wrong_one_open_nothing(secrets, headers):
    with pytest.raises(HttpError) as caught:
        secrets.admit(headers, NOW_S)
    assert caught.value.status == 401


@pytest.mark.parametrize("headers", [{}, bearer("sk-other"), bearer("ek_t1")])
def test_only_ordinary_keys_make_secrets(secrets, headers):
    secrets.issue(ORDINARY, {}, "t1", NOW_S)
    with pytest.raises(HttpError) as caught:
        secrets.issue(headers, {}, "t2", NOW_S)
    assert caught.value.status == 401


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({"colour": "red"}, "unknown_parameter", "colour"),
        ({"expires_after": {"seconds": 9}}, "integer_below_min_value", "expires_after.seconds"),
        ({"expires_after": {"seconds": 7201}}, "integer_above_max_value", "expires_after.seconds"),
        ({"expires_after": {"anchor": "now"}}, "invalid_value", "expires_after.anchor"),
        ({"session": {"model": "m"}}, "missing_required_parameter", "session.type"),
        ({"session": {"type": "realtime", "voice": "x"}}, "unknown_parameter", "session.voice"),
        (
            {"session": {"type": "realtime", "tool_choice": {"type": "function", "name": "f"}}},
            "invalid_value",
            "session.tool_choice",
        ),
    ],
)
def test_a_body_that_is_not_allowed_is_told_with_its_parameter(secrets, body, code, param):
    with pytest.raises(HttpError) as caught:
        secrets.issue(ORDINARY, body, "t1", NOW_S)
    assert (caught.value.status, caught.value.code, caught.value.param) == (400, code, param)
    assert f"'{param}'" in caught.value.message or code == "invalid_value"


def test_a_configuration_is_never_without_type_and_model():
    assert checked_configuration(None) == {"type": "realtime", "model": "gpt-realtime"}
    assert checked_configuration(SESSION) == SESSION
