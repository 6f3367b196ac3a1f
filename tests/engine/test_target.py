import pytest

from rtbench.core.errors import CredentialsRefused, UsageError
from rtbench.dialects.registry import DIALECTS
from rtbench.engine.target import LOCAL_KEY, Target, named_target

SECRET = "sk-very-secret"


@pytest.mark.parametrize(
    ("name", "base_url"),
    [
        ("openai", "https://api.openai.com/v1"),
        ("http://127.0.0.1:8080/v1", "http://127.0.0.1:8080/v1"),
        ("https://voice.example.com/v1/", "https://voice.example.com/v1"),
        ("ws://127.0.0.1:8080/v1", "http://127.0.0.1:8080/v1"),
        ("wss://voice.example.com/v1//", "https://voice.example.com/v1"),
        ("HTTPS://Voice.example.com/v1", "https://Voice.example.com/v1"),
        ("http://[::1]:8080/v1", "http://[::1]:8080/v1"),
        ("http://localhost", "http://localhost"),
    ],
)
def test_a_target_is_a_known_name_or_a_url(name, base_url) -> None:
    assert named_target(name, {}).base_url == base_url


@pytest.mark.parametrize(
    "name",
    [
        "",
        "opnai",
        "emulator",
        "127.0.0.1:8080",
        "voice.example.com/v1",
        "ftp://127.0.0.1/v1",
        "http://",
        "/v1",
    ],
)
def test_anything_else_is_refused_with_what_may_be_said(name) -> None:
    with pytest.raises(UsageError, match=r"say emulator, openai, azure, or a URL such as"):
        named_target(name, {})


@pytest.mark.parametrize("name", ["http://[::1", "http://127.0.0.1:99999/v1", "http://127.0.0.1:port/v1"])
def test_a_url_that_cannot_be_read_is_refused_in_one_sentence(name) -> None:
    with pytest.raises(UsageError, match=r"^the target is not a URL: .+\.$"):
        named_target(name, {})


@pytest.mark.parametrize(
    "name", [f"https://user:{SECRET}@voice.example.com/v1", f"wss://{SECRET}@example.com/v1"]
)
def test_credentials_in_a_url_are_refused_and_not_repeated(name) -> None:
    with pytest.raises(UsageError, match="environment only") as refusal:
        named_target(name, {})
    assert SECRET not in str(refusal.value)


@pytest.mark.parametrize("name", ["https://example.com/v1?api-version=1", "https://example.com/v1#top"])
def test_a_url_ends_with_its_path(name) -> None:
    with pytest.raises(UsageError, match=r"such as https://example\.com/v1\.$"):
        named_target(name, {})


@pytest.mark.parametrize("endpoint", ["https://shop.openai.azure.com", "https://shop.openai.azure.com/"])
def test_azure_is_found_by_its_resource(endpoint) -> None:
    target = named_target("azure", {"AZURE_OPENAI_ENDPOINT": endpoint})
    assert target.base_url == "https://shop.openai.azure.com/openai/v1"
    assert target.key({"OPENAI_API_KEY": "another's", "AZURE_OPENAI_API_KEY": SECRET}) == SECRET


@pytest.mark.parametrize("environment", [{}, {"AZURE_OPENAI_ENDPOINT": "shop.openai.azure.com"}])
def test_azure_without_its_resource_is_refused(environment) -> None:
    with pytest.raises(UsageError, match="needs AZURE_OPENAI_ENDPOINT"):
        named_target("azure", environment)


@pytest.mark.parametrize(
    ("base_url", "url"),
    [
        ("http://127.0.0.1:8080/v1", "ws://127.0.0.1:8080/v1/realtime?model=m"),
        ("https://voice.example.com/v1/", "wss://voice.example.com/v1/realtime?model=m"),
        ("http://[::1]:8080/v1", "ws://[::1]:8080/v1/realtime?model=m"),
    ],
)
def test_the_websocket_end_point_lies_under_the_base_url(base_url, url) -> None:
    assert Target(base_url).websocket_url("/realtime?model=m") == url


@pytest.mark.parametrize(
    ("base_url", "loopback"),
    [
        ("http://127.0.0.1:8080/v1", True),
        ("http://127.9.8.7/v1", True),
        ("http://[::1]:8080/v1", True),
        ("https://LOCALHOST/v1", True),
        ("https://localhost.example.com/v1", False),
        ("https://127.0.0.1.example.com/v1", False),
        ("http://10.0.0.1/v1", False),
        ("http://0.0.0.0/v1", False),
        ("https://api.openai.com/v1", False),
    ],
)
def test_loopback_is_this_machine_and_nothing_that_looks_like_it(base_url, loopback) -> None:
    assert Target(base_url).is_loopback is loopback


def test_the_key_is_the_first_that_the_environment_has() -> None:
    target = Target("https://voice.example.com/v1", key_variables=("FIRST", "SECOND"))
    assert target.key({"SECOND": "second", "FIRST": "first"}) == "first"
    assert target.key({"SECOND": "second", "FIRST": ""}) == "second"


def test_a_vendors_key_goes_to_that_vendor_only() -> None:
    environment = {"OPENAI_API_KEY": SECRET}
    assert named_target("openai", {}).key(environment) == SECRET
    with pytest.raises(CredentialsRefused):
        named_target("https://voice.example.com/v1", {}).key(environment)


def test_azure_takes_the_bare_key_in_a_header_of_its_own(monkeypatch) -> None:
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", SECRET)
    target = named_target("azure", {"AZURE_OPENAI_ENDPOINT": "https://shop.openai.azure.com"})
    assert target.headers(DIALECTS[target.dialect]) == {"api-key": SECRET}


def test_other_targets_take_the_key_as_their_dialect_says(monkeypatch) -> None:
    monkeypatch.setenv("RTBENCH_API_KEY", SECRET)
    target = Target("https://voice.example.com/v1")
    assert target.headers(DIALECTS[target.dialect]) == {"Authorization": f"Bearer {SECRET}"}


def test_the_key_is_read_from_this_process_when_it_is_used(monkeypatch) -> None:
    target = Target("https://voice.example.com/v1")
    monkeypatch.setenv("RTBENCH_API_KEY", SECRET)
    assert target.key() == SECRET


def test_a_remote_target_without_a_key_is_told_which_variables_to_set() -> None:
    with pytest.raises(CredentialsRefused, match="set RTBENCH_API_KEY in the environment"):
        Target("https://voice.example.com/v1").key({})


def test_a_local_target_needs_no_key() -> None:
    assert Target("http://127.0.0.1:8080/v1").key({}) == LOCAL_KEY


def test_a_target_does_not_hold_the_key(monkeypatch) -> None:
    monkeypatch.setenv("RTBENCH_API_KEY", SECRET)
    target = named_target("https://voice.example.com/v1")
    target.key()
    assert SECRET not in repr(target)
