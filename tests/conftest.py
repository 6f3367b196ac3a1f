"""Fixtures that several packages' tests share."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ORACLES = Path(__file__).parent / "oracles"


def _oracle(name: str) -> ModuleType:
    """A module of `tests/oracles`, which is no package."""
    spec = importlib.util.spec_from_file_location(f"oracles_{name}", ORACLES / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def openai_strict() -> ModuleType:
    """Strict parsing with the `openai` package's types: `parse_server_event`, `parse_client_event`."""
    return _oracle("openai_strict")


@pytest.fixture(scope="session")
def openai_sample() -> ModuleType:
    """Random messages by the declarations of the `openai` package's types: `sample`."""
    return _oracle("openai_sample")
