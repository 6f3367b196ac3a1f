"""The README, taken by its word.

Lines of `bash` blocks are run, shortened by options that come last and so win; `python` blocks too, `yaml`
blocks are checked as scenarios, and the commands of `yml` blocks, which are workflows, are run in their order. `sh` blocks need a remote service, other machines or much time: their commands are
held against the parsers.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import soundfile
import yaml

from rtbench.cli.main import build_parser, main
from rtbench.core.errors import ExitCode
from rtbench.corpus.folder import Corpus
from rtbench.emulator.process import EmulatorProcess

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLE = ROOT / "reports" / "example"
FENCE = re.compile(r"^ *```(\w+)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
SHORT = {
    "rtbench run": "--users 2 --duration '2 s'",
    "locust": "--users 2 --run-time 2s",
}
RAN = (ExitCode.PASS, ExitCode.THRESHOLD_FAILED, ExitCode.INVALID)
"""A run of two seconds has too few samples for its thresholds, and a busy machine is no fault of the README."""

AT_ONCE = 3
TIMEOUT_S = 120


def blocks(language: str) -> list[str]:
    return [text for found, text in FENCE.findall(README) if found == language]


def lines(language: str) -> list[str]:
    return [line for block in blocks(language) for line in block.splitlines() if line.strip()]


def is_run(command: str) -> bool:
    return command.startswith("rtbench run")


def is_server(command: str) -> bool:
    return command.startswith("rtbench emulator")


PROGRAMS = [block for block in blocks("python") if "locustfile.py" not in block]
FINITE = [command for command in lines("bash") if not is_server(command)]


@pytest.fixture(scope="module")
def emulator() -> Iterator[EmulatorProcess]:
    """What listens at the address that the README uses for a local service."""
    with EmulatorProcess() as process:
        yield process


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like a checkout, with the user's own files of which the README speaks."""
    folder = tmp_path_factory.mktemp("checkout")
    (folder / "scenarios").symlink_to(ROOT / "scenarios")
    shutil.copytree(EXAMPLE, folder / "reports" / "example")
    corpus = Corpus.open(ROOT / "corpora" / "english")
    (folder / "recordings" / "question").mkdir(parents=True)
    recording = folder / "recordings" / "question" / "order.wav"
    soundfile.write(recording, corpus.samples("order_question"), corpus.rate_hz)
    [locustfile] = (block for block in blocks("python") if "locustfile.py" in block)
    (folder / "locustfile.py").write_text(locustfile, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def environment() -> dict[str, str]:
    """As in a shell with the virtual environment activated, and without anybody's keys."""
    kept = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}
    return kept | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


@pytest.fixture(scope="module")
def ended(
    workplace: Path, environment: dict[str, str], emulator: EmulatorProcess
) -> dict[str, subprocess.CompletedProcess[str]]:
    """Every command that ends by itself, a few at a time: most of what they do is wait."""

    def run(command: str) -> subprocess.CompletedProcess[str]:
        short = next((options for start, options in SHORT.items() if command.startswith(start)), "")
        return subprocess.run(
            f"{command} {short}".replace("http://127.0.0.1:8080/v1", emulator.url),
            shell=True, cwd=workplace, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S, check=False,
        )  # fmt: skip

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(zip(FINITE, pool.map(run, FINITE), strict=True))


@pytest.mark.parametrize("command", [command for command in FINITE if not is_run(command)])
def test_a_command_does_what_the_readme_shows(
    command: str, ended: dict[str, subprocess.CompletedProcess[str]]
) -> None:
    assert ended[command].returncode == 0, ended[command].stdout + ended[command].stderr


@pytest.mark.parametrize("command", [command for command in FINITE if is_run(command)])
def test_a_run_ends_with_a_verdict_and_the_path_of_its_report(
    command: str, ended: dict[str, subprocess.CompletedProcess[str]], workplace: Path
) -> None:
    run = ended[command]
    assert run.returncode in RAN, run.stderr
    assert run.stdout.split()[0] in ("VALID", "SUSPECT", "INVALID")
    assert (workplace / run.stdout.splitlines()[-1]).is_file()


@pytest.mark.parametrize("command", [command for command in lines("bash") if is_server(command)])
def test_the_emulator_says_where_it_listens_and_ends_when_it_is_told_to(
    command: str, environment: dict[str, str]
) -> None:
    arguments = shlex.split(command.replace("--port 8080", "--port 0"))
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, env=environment) as server:
        assert server.stdout is not None
        assert "http://127.0.0.1:" in server.stdout.readline()
        server.terminate()
        assert server.wait(TIMEOUT_S) == ExitCode.PASS


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_client_of_the_api_talks_to_the_emulator(program: str, emulator: EmulatorProcess) -> None:
    assert "http://127.0.0.1:8080/v1" in program
    code = program.replace("http://127.0.0.1:8080/v1", emulator.url)
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=TIMEOUT_S
    ).stdout
    assert re.search(r"\w+ \w+.*\n\d+ tokens\n$", said)


@pytest.mark.parametrize("scenario", blocks("yaml"))
def test_a_scenario_can_be_used(scenario: str, tmp_path: Path) -> None:
    path = tmp_path / "scenario.yaml"
    path.write_text(scenario, encoding="utf-8")
    assert main(["scenario", "check", str(path)]) == ExitCode.PASS


@pytest.mark.parametrize("workflow", blocks("yml"))
def test_the_commands_of_a_workflow_do_what_they_are_there_for(
    workflow: str, workplace: Path, environment: dict[str, str]
) -> None:
    """One after the other, as the job does; that which installs rtbench is left out."""
    steps = [step for job in yaml.safe_load(workflow)["jobs"].values() for step in job["steps"]]
    commands = [step["run"] for step in steps if "run" in step and "pip install" not in step["run"]]
    assert any(map(is_run, commands))
    page = workplace / "step_summary.md"
    for command in commands:
        ended = subprocess.run(
            f"{command} {SHORT['rtbench run'] if is_run(command) else ''}",
            shell=True, cwd=workplace, env=environment | {"GITHUB_STEP_SUMMARY": str(page)},
            capture_output=True, text=True, timeout=TIMEOUT_S, check=False,
        )  # fmt: skip
        assert ended.returncode in (RAN if is_run(command) else (ExitCode.PASS,)), ended.stdout + ended.stderr
    assert re.match(r"# (VALID|SUSPECT|INVALID): ", page.read_text(encoding="utf-8"))


@pytest.mark.parametrize("workflow", blocks("yml"))
def test_a_workflow_keeps_what_a_bad_night_left_behind(workflow: str) -> None:
    """`actions/cache` itself saves only where all steps before it passed."""
    for job in yaml.safe_load(workflow)["jobs"].values():
        [night] = [place for place, step in enumerate(job["steps"]) if is_run(step.get("run", ""))]
        before, after = job["steps"][:night], job["steps"][night + 1 :]
        assert any(step.get("uses", "").startswith("actions/cache/restore@") for step in before)
        assert any(step.get("uses", "").startswith("actions/cache/save@") for step in after)
        assert not any(step.get("uses", "").startswith("actions/cache@") for step in job["steps"])
        assert {step.get("if") for step in after} == {"always()"}


@pytest.mark.parametrize("command", [line for line in lines("sh") if line.startswith("rtbench ")])
def test_a_command_that_is_not_run_here_has_options_that_exist(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        build_parser().parse_args(shlex.split(command)[1:])
    except SystemExit as ended:  # --help
        assert ended.code == 0, capsys.readouterr().err


def test_options_of_locust_that_are_not_run_here_exist(environment: dict[str, str]) -> None:
    commands = [line for line in lines("sh") if line.startswith("locust ")]
    assert commands
    told = subprocess.run(["locust", "--help"], capture_output=True, text=True, env=environment, check=True)
    known = set(re.findall(r"--[a-z][a-z-]*", told.stdout))
    assert set(re.findall(r"--[a-z][a-z-]*", " ".join(commands))) <= known


def test_make_targets_and_benchmarks_are_there() -> None:
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    named = re.findall(r"\bmake ([a-z]+)$|`make ([a-z]+)`", README, re.MULTILINE)
    assert {first or second for first, second in named} <= set(targets)
    benchmarks = [shlex.split(line)[1] for line in lines("sh") if line.startswith("python ")]
    assert benchmarks
    assert all((ROOT / path).is_file() for path in benchmarks)


def test_links_and_pictures_lead_somewhere() -> None:
    targets = [target for target in re.findall(r"\]\(([^)]+)\)", README) if "://" not in target]
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", README), re.MULTILINE)
    places = {"#" + heading.lower().replace(" ", "-") for heading in headings}
    assert targets
    assert [target for target in targets if target not in places and not (ROOT / target).exists()] == []


def test_the_table_of_files_names_everything_that_a_run_leaves_behind() -> None:
    section = README.split("## What a run leaves behind")[1].split("\n## ")[0]
    told = {name.rstrip("/") for name in re.findall(r"`([a-z_.]+/?)`", section)}
    left = {path.name for path in EXAMPLE.iterdir()} - {"report.png"}
    assert left == left & told


def test_every_fence_has_a_language_that_says_how_it_is_tested() -> None:
    assert {language for language, _ in FENCE.findall(README)} <= {"bash", "sh", "python", "yaml", "yml"}
    assert README.count("```") == 2 * len(FENCE.findall(README))
