# Everything a newcomer needs: `make run` starts the demo, `make test` runs the everyday tests.
# Both install on first use and work offline afterwards.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
KERNELS := $(wildcard kernels/*.pyx) setup.py
DATA ?= var/demo
# Test processes: one per core.
WORKERS ?= auto

.PHONY: run run-large scenario test check bench sim slow browser oracle assets kernels format lint types mypy pyright layers clean

run: $(VENV)/.installed assets
	@$(BIN)/python -c "import kernels; r = kernels.backend_report(); print('kernels:', r.used, '-', r.reason)"
	@mkdir -p $(DATA)
	$(BIN)/trimtabd --demo --data $(DATA) --config tools/demo.toml

# The same on 200 invented securities, which are written on first use.
run-large: $(VENV)/.installed assets
	@test -d var/market-200 || $(BIN)/python -m tools.make_market var/market-200
	@mkdir -p var/large
	$(BIN)/trimtabd --data var/large --config tools/market_200.toml

# One small market in which one thing happens, e.g. `make scenario NAME=three-sources`.
scenario: $(VENV)/.installed
	@$(BIN)/python -m tools.play_scenario $(NAME)

test: $(VENV)/.dev
	$(BIN)/python -m pytest -m "not slow and not browser" -q -n $(WORKERS) --ignore=tests/oracle

check: format lint types layers test

format: $(VENV)/.dev
	$(BIN)/ruff format --check .

lint: $(VENV)/.dev
	$(BIN)/ruff check .

types: mypy pyright

mypy: $(VENV)/.dev
	$(BIN)/mypy

pyright: $(VENV)/.dev
	$(BIN)/pyright

layers: $(VENV)/.dev
	$(BIN)/lint-imports

# Replaces the tables of docs/performance.md by those of this machine.
bench: $(VENV)/.oracle
	$(BIN)/python -m bench --write --date $$(date +%F)

# A thousand device-months; a broken one prints the command that replays it.
MONTHS ?= 1000
sim: $(VENV)/.dev
	$(BIN)/python -m tests.sim.months --count $(MONTHS)

# Long simulations and whole-process runs.
slow: $(VENV)/.dev assets
	$(BIN)/python -m pytest tests/sim tests/actors -m slow -q -n $(WORKERS)
	$(BIN)/python -m pytest -m slow -q -n $(WORKERS) --ignore=tests/sim --ignore=tests/actors --ignore=tests/oracle

browser: $(VENV)/.dev assets
	$(BIN)/python -m pytest tests/browser -m browser -q

# The figures beside those of empyrical, pandas, scipy and PyPortfolioOpt on the same data.
oracle: $(VENV)/.oracle
	$(BIN)/python -m pytest tests/oracle -q -n $(WORKERS)

# The chart of the dashboard comes from npm; without npm the page says so and everything else works.
assets: web/static/vendor/.done

web/static/vendor/.done: web/package.json web/package-lock.json
	@if command -v npm >/dev/null \
	  && (cd web && npm ci --ignore-scripts --no-audit --no-fund --silent) \
	  && $(PYTHON) -m web.build_assets; then touch $@; \
	else echo "no chart library (npm is missing or offline); everything else works"; fi

kernels: $(VENV)/.installed
	$(BIN)/python setup.py build_ext --inplace

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --upgrade pip

$(VENV)/.installed: pyproject.toml $(KERNELS) | $(VENV)/bin/python
	$(PIP) install --editable .
	@touch $@

$(VENV)/.dev: pyproject.toml $(KERNELS) | $(VENV)/bin/python
	$(PIP) install --editable '.[dev]'
	@touch $@ $(VENV)/.installed

$(VENV)/.oracle: pyproject.toml | $(VENV)/.dev
	$(PIP) install --editable '.[dev,oracle]'
	@touch $@

clean:
	rm -rf build *.egg-info kernels/*.so kernels/*.c var
