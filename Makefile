# qcompile: everything a developer runs. `make help` lists it.
#
# Each of `demo`, `test` and `check` is enough by itself in a fresh clone: it makes the virtual environment it needs.
# Variables: PYTHON (which Python makes the environment), VENV (where it lies), OUT (where `demo` writes),
# JOBS (tests at a time).

PYTHON ?= python3
VENV ?= .venv
OUT ?= build/demo
JOBS ?= 2

BIN = $(VENV)/bin
# Activated in every recipe, so that programs started by programs (cocotb, make) find the same Python.
ENTER = . '$(BIN)/activate' &&
PIP = '$(BIN)/python' -m pip install -qq --disable-pip-version-check

SHELL = /bin/sh
.DEFAULT_GOAL = help
.SUFFIXES:
.DELETE_ON_ERROR:

##@ First use

.PHONY: demo
demo: $(VENV)/.installed ## Set up, compile examples/digits_mlp_w2a2 for pynq-z2, simulate it, print the verdict
	@$(ENTER) qcompile examples/digits_mlp_w2a2/model.onnx --target pynq-z2 -o '$(OUT)'

.PHONY: test
test: $(VENV)/.developed ## Set up and run the whole test suite
	@$(ENTER) python -m pytest -n $(JOBS) </dev/null

##@ Development

.PHONY: check
check: lint test ## What CI runs: style, types, layers, sizes, tests

.PHONY: lint
lint: $(VENV)/.developed ## ruff, mypy --strict and the layers of the architecture
	@$(ENTER) ruff check .
	@$(ENTER) mypy
	@$(ENTER) lint-imports

.PHONY: format
format: $(VENV)/.developed ## Format the Python sources
	@$(ENTER) ruff format . && ruff check --fix .

.PHONY: lint-rtl
lint-rtl: $(VENV)/.developed ## verilator --lint-only -Wall on every module of rtl/
	@$(ENTER) python -m pytest -q tests/rtl/test_lint.py </dev/null

.PHONY: sweep
sweep: $(VENV)/.developed ## The slow tests: wide sweeps of shapes, foldings and networks
	@$(ENTER) python -m pytest -n $(JOBS) -m slow </dev/null

.PHONY: sweep-dialects
sweep-dialects: $(VENV)/.developed ## 10,000 random networks in every dialect, converted too (part of sweep)
	@$(ENTER) python -m pytest -n $(JOBS) -m slow tests/integration/test_random_dialects.py </dev/null

.PHONY: benchmark
benchmark: $(VENV)/.developed ## Print the table of measurements (benchmarks/)
	@$(ENTER) python benchmarks/run.py

.PHONY: dist
dist: $(VENV)/.developed ## Build the wheel and the source archive into dist/
	@$(ENTER) python -m build

##@ Housekeeping

.PHONY: clean
clean: ## Remove what builds and tests left in the clone (not the virtual environment)
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find compiler tests benchmarks examples -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

.PHONY: distclean
distclean: clean ## The same, and the virtual environment
	rm -rf '$(VENV)'

.PHONY: help
help: ## Show this list
	@awk 'BEGIN { FS = ":.*## " } /^##@/ { printf "\n%s\n", substr($$0, 5) } \
	  /^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

# The environments. The stamps are made last: an installation that was interrupted is done again.

# What pip cannot bring is checked before anything is downloaded.
$(VENV)/.installed: pyproject.toml
	@'$(PYTHON)' -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
	  { echo "qcompile needs Python 3.10 or newer (set PYTHON=... to choose one)" >&2; exit 1; }
	@PYTHONPATH=compiler '$(PYTHON)' -m qcompile.tools.prerequisites
	@echo "setting up $(VENV) (once; it takes a minute or two)"
	@'$(PYTHON)' -m venv '$(VENV)'
	@$(PIP) --upgrade pip
	@$(PIP) --editable .
	@touch '$@'

$(VENV)/.developed: $(VENV)/.installed
	@echo "installing the development tools into $(VENV)"
	@$(PIP) --editable '.[dev]'
	@touch '$@'
