"""Locust without its monkey patching, which would reach every other test of the process (see `tests/load`)."""

from __future__ import annotations

import pytest

with pytest.MonkeyPatch.context() as environment:
    environment.setenv("LOCUST_SKIP_MONKEY_PATCH", "1")
    import locust  # noqa: F401  # for what its import does, or here does not do
