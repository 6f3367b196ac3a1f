"""The architecture, checked on the syntax trees of the sources: who imports whom, what is pure, and where things stand."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "rtbench"
SOURCES = sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py"))
TESTS = ROOT / "tests"

LAYERS = (
    {"cli"},
    {"load", "emulator", "report"},
    {"engine", "analysis"},
    {"transports", "dialects", "corpus", "scenario", "results"},
    {"clock"},
    {"core"},
)
"""From the top; a package imports from the layers below its own."""

SIBLINGS = {
    ("scenario", "corpus"): None,  # clip names are resolved in the corpus
    ("load", "emulator"): "load/embedded_emulator.py",
}
"""The imports on one level that are allowed, and the one module that may do so (None: any)."""

HOMES = {
    "gevent": ["load/"],
    "locust": ["load/"],
    "flask": ["load/web_tabs.py"],
    "prometheus_client": ["load/prometheus_endpoint.py"],
    "opentelemetry": ["load/otlp_push.py"],
    "websockets": ["transports/websocket/"],
    "aiortc": ["transports/webrtc/"],
    "aioice": ["transports/webrtc/"],
    "pylibsrtp": ["transports/webrtc/"],
    "OpenSSL": ["transports/webrtc/"],
    "cryptography": ["transports/webrtc/certificate.py", "emulator/certificate.py"],
    "av": ["transports/webrtc/codec.py", "corpus/opus.py"],
    "aiohttp": [
        *("emulator/calls.py", "emulator/cors.py", "emulator/server.py", "emulator/websocket.py"),
        "transports/webrtc/signalling.py",
    ],
    "pandas": ["results/reader.py", "analysis/", "report/"],
    "matplotlib": ["report/"],
    "jinja2": ["report/"],
    "pybase64": ["core/audio.py"],
    "speechmos": ["report/plc_mos.py"],
    "soundfile": ["corpus/audio_file.py"],
    "soxr": ["corpus/audio_file.py"],
}
"""Third-party packages that have a home, and nothing to do elsewhere."""

IMPURE_EMULATOR = {
    "emulator/answering.py": "answers offers of calls",
    "emulator/calls.py": "serves HTTP",
    "emulator/certificate.py": "makes a certificate on disk",
    "emulator/cors.py": "serves HTTP",
    "emulator/health.py": "reads the clock, and writes a log",
    "emulator/held_ports.py": "binds ports",
    "emulator/host.py": "gives sessions their tokens and the time",
    "emulator/lines.py": "encodes in a thread",
    "emulator/rtp_speaker.py": "sends packets on time",
    "emulator/webrtc_call.py": "runs a session over WebRTC",
    "emulator/breakable.py": "breaks connections",
    "emulator/fault_desk.py": "reads the clock, and writes the log of faults",
    "emulator/library.py": "reads the corpus",
    "emulator/process.py": "starts and stops processes",
    "emulator/profile_file.py": "reads profiles",
    "emulator/server.py": "serves HTTP",
    "emulator/serving.py": "runs the server until a signal",
    "emulator/truth_file.py": "writes the log",
    "emulator/websocket.py": "runs a session over a WebSocket",
}
"""The shell around the emulator's machine; every other module of it is pure."""

WORLDLY = {
    *("aiohttp", "asyncio", "concurrent", "ctypes", "datetime", "gevent", "http", "io", "logging"),
    *("multiprocessing", "os", "pathlib", "psutil", "secrets", "select", "selectors", "shutil", "signal"),
    *(
        "socket",
        "ssl",
        "subprocess",
        "sys",
        "tempfile",
        "threading",
        "time",
        "urllib.request",
        "uuid",
        "uvloop",
    ),
}
"""Modules through which a program touches clock, files, network or other threads."""

CLOCK_READS = {
    *("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns"),
    *(
        "process_time",
        "process_time_ns",
        "thread_time",
        "thread_time_ns",
        "clock_gettime",
        "clock_gettime_ns",
    ),
    *("localtime", "gmtime", "now", "utcnow", "today"),
}

MAX_LINES = 400
VAGUE = {"utils", "util", "helpers", "helper", "common", "misc", "manager"}


def matching(*prefixes: str) -> list[Path]:
    return [path for path in SOURCES if path.as_posix().startswith(prefixes)]


PURE = [
    path for path in matching("core/", "dialects/", "emulator/") if path.as_posix() not in IMPURE_EMULATOR
]


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse((PACKAGE / path).read_text(encoding="utf-8"))


def module_name(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(("rtbench", *(parts[:-1] if parts[-1] == "__init__" else parts)))


MODULES = {module_name(path): path for path in SOURCES}


@cache
def imports(path: Path) -> list[str]:
    """Every module that a source imports, wherever in it: `from a import b` is `a.b` where that is a module of ours."""
    found = []
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: imports are absolute"
            module = node.module or ""
            for alias in node.names:
                longer = f"{module}.{alias.name}"
                found.append(longer if longer in MODULES else module)
    return found


def own_imports(path: Path) -> Iterator[str]:
    """Imported modules of rtbench, without the package's root."""
    return (name for name in imports(path) if name.startswith("rtbench."))


def layer(package: str) -> int:
    return next(level for level, packages in enumerate(LAYERS) if package in packages)


def package_of(path: Path) -> str:
    return path.parts[0].removesuffix(".py")


LAYERED = [path for path in SOURCES if package_of(path) not in ("__init__", "__main__")]


@pytest.mark.parametrize("path", LAYERED, ids=str)
def test_imports_go_downwards_only(path) -> None:
    package = package_of(path)
    for name in own_imports(path):
        imported = name.split(".")[1]
        if imported == package:
            continue
        if (package, imported) in SIBLINGS:
            only = SIBLINGS[package, imported]
            assert only is None or path.as_posix() == only, f"{imported} is imported in {only} only"
        else:
            assert layer(imported) > layer(package), f"{package} may not import {imported}"


def test_the_layers_name_every_package() -> None:
    assert {package_of(path) for path in LAYERED} == set().union(*LAYERS)


def test_there_are_no_circular_imports() -> None:
    graph = {name: set(own_imports(path)) - {name} for name, path in MODULES.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"circular import: {' -> '.join(error.args[1])}")


@pytest.mark.parametrize("path", PURE, ids=str)
def test_pure_modules_touch_neither_clock_nor_files_nor_network(path) -> None:
    assert not {name for name in imports(path) if {name, name.split(".")[0]} & WORLDLY}
    assert "rtbench.clock" not in imports(path)
    for node in ast.walk(tree(path)):
        assert not isinstance(node, ast.Global), "a pure module keeps no global state"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in ("open", "print", "input", "exec", "eval")


@pytest.mark.parametrize("path", PURE, ids=str)
def test_pure_modules_know_nothing_of_the_shell(path) -> None:
    shell = {module_name(Path(impure)) for impure in IMPURE_EMULATOR}

    assert not shell & set(own_imports(path))


@pytest.mark.parametrize("path", PURE, ids=str)
def test_what_is_random_in_pure_modules_comes_from_a_seeded_generator(path) -> None:
    if path.parts[0] != "emulator":
        assert "random" not in imports(path)
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "random":
            assert node.attr == "Random"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "Random":
            assert node.args, "a generator without a seed"
        assert not (isinstance(node, ast.ImportFrom) and node.module == "random")


def test_the_list_of_impure_modules_is_up_to_date() -> None:
    assert set(IMPURE_EMULATOR) <= {path.as_posix() for path in SOURCES}


@pytest.mark.parametrize("path", matching("core/"), ids=str)
def test_the_core_stands_on_the_standard_library_and_two_packages(path) -> None:
    third_party = {name.split(".")[0] for name in imports(path)} - sys.stdlib_module_names - {"rtbench"}
    allowed = {"core/pcm.py": {"numpy"}, "core/audio.py": {"pybase64"}}

    assert third_party <= allowed.get(path.as_posix(), set())


@pytest.mark.parametrize("package", HOMES)
def test_third_party_packages_stay_at_home(package) -> None:
    users = {
        path.as_posix() for path in SOURCES if any(name.split(".")[0] == package for name in imports(path))
    }
    strangers = {user for user in users if not user.startswith(tuple(HOMES[package]))}

    assert not strangers


@pytest.mark.parametrize("path", [path for path in SOURCES if path != Path("clock.py")], ids=str)
def test_only_the_clock_reads_time(path) -> None:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ImportFrom) and node.module == "time":
            assert {alias.name for alias in node.names} <= {"sleep"}
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            reads = node.value.id in ("time", "datetime", "date") and node.attr in CLOCK_READS
            assert not reads, f"line {node.lineno}: {node.value.id}.{node.attr}"


def test_sources_and_tests_mirror_each_other() -> None:
    wanted = {
        path.with_name(f"test_{path.name}")
        for path in SOURCES
        if path.name not in ("__init__.py", "__main__.py")
    }
    apart = ("oracles", "benchmarks", "browser", "e2e", "test_readme.py")
    there = {
        path.relative_to(TESTS)
        for path in TESTS.rglob("test_*.py")
        if path.relative_to(TESTS).parts[0] not in apart and path.name != Path(__file__).name
    }

    assert not sorted(map(str, wanted - there)), "sources without a test"
    optional = {path.with_name(f"test_{path.name}") for path in SOURCES}
    assert not sorted(map(str, there - optional)), "tests without a source"


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_no_file_is_too_long(path) -> None:
    lines = (PACKAGE / path).read_text(encoding="utf-8").splitlines()

    assert len(lines) <= MAX_LINES


def test_names_say_what_a_thing_is() -> None:
    named = {part for path in SOURCES for part in path.with_suffix("").parts}
    for path in SOURCES:
        definitions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        named |= {node.name for node in ast.walk(tree(path)) if isinstance(node, definitions)}
    vague = {
        name for name in named if VAGUE & set(re.findall(r"[a-z]+", re.sub(r"([A-Z])", r"_\1", name).lower()))
    }

    assert not vague


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_every_module_opens_with_what_it_owns(path) -> None:
    assert ast.get_docstring(tree(path))


def test_import_rtbench_is_cheap() -> None:
    heavy = ["aiohttp", "asyncio", "gevent", "locust", "matplotlib", "numpy", "pandas", "pyarrow", "pydantic"]
    program = f"import sys, rtbench; print([name for name in {heavy} if name in sys.modules])"
    loaded = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert loaded.stdout.strip() == "[]"
