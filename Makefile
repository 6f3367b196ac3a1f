# Each target makes the virtual environment that it needs; Python >= 3.11 and make are all that must be there.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test lint format bench clean
.DEFAULT_GOAL := test

demo: $(VENV)/.base
	$(BIN)/rtbench run scenarios/quickstart.yaml

test: $(VENV)/.dev
	$(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder

lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.dev
	@for bench in tests/benchmarks/bench_*.py; do echo "== $$bench"; $(BIN)/python $$bench || exit 1; done

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis

# uv is used where it is there; it does the same faster.
INSTALL = if command -v uv >/dev/null; then uv pip install -q --python $(BIN)/python

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.base: pyproject.toml | $(BIN)/python
	@$(INSTALL) -e .; else $(BIN)/python -m pip install -q -e .; fi
	@touch $@

$(VENV)/.dev: pyproject.toml | $(BIN)/python
	@$(INSTALL) -e '.[dev]'; else $(BIN)/python -m pip install -q -e '.[dev]'; fi
	@touch $@ $(VENV)/.base
