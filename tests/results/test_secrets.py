import pytest

from rtbench.results.secrets import redact, redact_command

SECRET = "sekret-7f3a91"


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Bearer {SECRET}",
        f"wss://user:{SECRET}@example.org/v1",
        f"https://example.org/v1?api-key={SECRET}&model=m",
        f"--api-key={SECRET}",
        f"OPENAI_API_KEY={SECRET}",
        f"token: {SECRET}",
        f"sk-{SECRET}",
        f"openai-insecure-api-key.ek_{SECRET}",
    ],
)
def test_a_secret_does_not_survive(text: str) -> None:
    assert SECRET not in redact(text)


@pytest.mark.parametrize("option", ["--api-key", "--token", "-password", "--client-secret"])
def test_the_argument_after_an_option_that_takes_a_secret_is_masked(option: str) -> None:
    assert redact_command(["run", option, SECRET, "x.yaml"]) == ["run", option, "***", "x.yaml"]


def test_an_ordinary_command_line_is_kept_as_it_is() -> None:
    command = [
        "rtbench",
        "run",
        "scenarios/turkey.yaml",
        "--users",
        "10",
        "--target",
        "ws://127.0.0.1:8080/v1?model=m",
    ]
    assert redact_command(command) == command
