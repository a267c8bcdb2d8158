# Every target sets itself up in $(VENV) from a bare python3, once.
# Another interpreter: make test PYTHON=python3.13 VENV=.venv-3.13

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install -qq
# Arguments for the benchmarks: make bench ARGS=--rigorous
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help demo demo-fleet test quick check bench bench-fleet docs clean

help: ## what there is to make
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

demo: $(VENV)/.ready ## ten tasks, one bucket: watch it drip
	@$(BIN)/python -m aiolimiter

demo-fleet: $(VENV)/.ready-test ## processes that share one limit, while their server fails
	@$(BIN)/python -m aiolimiter fleet

test: $(VENV)/.ready-test ## every test, and the coverage gate
	@$(BIN)/coverage erase
	@$(BIN)/coverage run -m pytest --numprocesses 2 -m "not real_time"
	@$(BIN)/coverage run -m pytest -m real_time # alone, on a quiet machine
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report

quick: $(VENV)/.ready-test ## every test, without coverage: a third of the time
	@$(BIN)/pytest --numprocesses 2 -m "not real_time"
	@$(BIN)/pytest -m real_time

check: $(VENV)/.ready-check ## lint, format, two type checkers, layers, changelog
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/basedpyright --pythonpath $(BIN)/python
	@$(BIN)/pytest --quiet --no-header tests/test_layers.py tests/test_house.py
	@$(BIN)/towncrier build --draft --version next > /dev/null

bench: $(VENV)/.ready ## the benchmarks, as a table of ratios
	@$(BIN)/python -m benchmarks $(ARGS)

bench-fleet: $(VENV)/.ready-test ## the same for processes that share one limit
	@$(BIN)/python -m benchmarks.fleet $(ARGS)

# The site mirrors the repository, so that a link that is right there is right
# here; pages appear by being committed.
docs: $(VENV)/.ready-docs ## the documentation, into site/
	@rm -rf build/site && mkdir -p build/site
	@git ls-files -z -- '*.md' docs examples LICENSE ':!changelog.d/+*' \
	  | xargs -0 cp --parents --target-directory build/site
	@$(BIN)/zensical build --strict --clean --config-file zensical.toml

clean: ## forget everything the other targets made
	rm -rf $(VENV) build dist site .coverage .coverage.* .hypothesis .*_cache

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "aiolimiter needs Python 3.11 or newer, and $(PYTHON) is not;" \
	    "name one that is: make PYTHON=python3.12 ..." >&2; exit 1; }
	@echo "making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) --upgrade 'pip>=25.1' # the first that reads dependency groups
	@touch $@

$(VENV)/.ready: pyproject.toml | $(VENV)/.python
	@$(PIP) --editable .
	@touch $@

$(VENV)/.ready-%: pyproject.toml | $(VENV)/.ready
	@echo "installing what '$*' needs into $(VENV)"
	@$(PIP) --group $*
	@touch $@
