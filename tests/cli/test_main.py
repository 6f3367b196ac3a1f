import subprocess
import sys

import pytest

import rtbench
from rtbench.cli import main as command
from rtbench.core.errors import CredentialsRefused, RtbenchError, RunInvalid, UsageError

HEAVY = ("numpy", "pandas", "locust", "gevent", "matplotlib", "pyarrow", "pydantic", "asyncio")


def _raises(error: BaseException) -> object:
    def handler(args: object) -> int:
        raise error

    return handler


@pytest.mark.parametrize(
    ("error", "code"),
    [(UsageError("bad.yaml:3: no"), 1), (RunInvalid("a worker died"), 4), (CredentialsRefused("no key"), 5)],
)
def test_an_error_is_one_sentence_and_its_own_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: RtbenchError, code: int
) -> None:
    monkeypatch.setattr(command.report, "make", _raises(error))
    assert command.main(["report", "anything"]) == code
    assert capsys.readouterr() == ("", f"rtbench: {error}\n")


def test_ctrl_c_is_no_traceback(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(command.report, "make", _raises(KeyboardInterrupt()))
    assert command.main(["report", "anything"]) == 130
    assert capsys.readouterr() == ("", "rtbench: interrupted\n")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "the following arguments are required: COMMAND; see rtbench --help"),
        (["run"], "the following arguments are required: SCENARIO; see rtbench run --help"),
        (["run", "a.yaml", "--wrokers", "2"], "unrecognized arguments: --wrokers 2; see rtbench --help"),
    ],
)
def test_bad_usage_is_one_sentence_that_names_the_help(
    capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    with pytest.raises(SystemExit, match="1"):
        command.main(arguments)
    assert capsys.readouterr() == ("", f"rtbench: {told}\n")


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        command.main(["--version"])
    assert capsys.readouterr().out == f"rtbench {rtbench.__version__}\n"


def test_the_help_names_every_command_and_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        command.main(["--help"])
    told = capsys.readouterr().out
    for name in ("run", "report", "emulator", "worker", "corpus", "scenario"):
        assert f"\n    {name} " in told
    assert "130 interrupted" in told


def test_the_help_needs_nothing_heavy() -> None:
    code = (
        "import sys, rtbench.cli.main as command\n"
        "try:\n    command.main(['--help'])\n"
        f"finally:\n    print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"


@pytest.mark.parametrize(
    "told",
    [
        "print('x' * 100_000)",
        "__import__('rich.console').console.Console().print('x ' * 100_000)",
        "print('x' * 100_000, file=sys.stderr)",
    ],
)
def test_a_reader_that_had_enough_does_not_change_the_exit_code(told: str) -> None:
    """`rtbench compare ... | true`, the reader being gone before the first line."""
    code = (
        "import os, sys\n"
        "reader, writer = os.pipe(); os.close(reader); os.dup2(writer, 1)\n"
        "if 'stderr' in sys.argv[1]: os.dup2(writer, 2)\n"
        "import rtbench.cli.main as command\n"
        "command.main = lambda: eval(sys.argv[1]) or 3\n"
        "command.entry()\n"
    )
    done = subprocess.run([sys.executable, "-c", code, told], stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (3, "")


def test_standard_output_that_was_never_open_is_no_error() -> None:
    done = subprocess.run(
        f"{sys.executable} -m rtbench --version >&-",
        shell=True,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("capacity", "x.yaml", "--transport", "quic"),
        ("sweep", "x.yaml", "--transport", "quic"),
        ("sweep", "x.yaml", "--codec", "g729"),
        ("calibrate", "--transport", "quic"),
    ],
)
def test_a_transport_or_codec_that_does_not_exist_is_bad_usage(capsys, words) -> None:
    with pytest.raises(SystemExit) as caught:
        command.main(words)
    assert caught.value.code == 1
    assert f"invalid choice: '{words[-1]}'" in capsys.readouterr().err
