# make demo            train agents in the prisoner's dilemma and in the coin game, say what they learned, film an episode
# make test            the tests of every part, in some minutes on two cores
# make test-all        these, then the slow ones: whole trainings, processes that are killed, exhaustive comparisons
# make test-faults     the hostile campaign: damaged files, odd commands, broken plug-ins, killed processes; half an hour
# make test-learners   the games with learners of other libraries, which it installs (PyTorch, Jupyter), README as a notebook
# make test-report     the pages of polax report in a browser; needs Chromium and chromedriver
# make test-examples   the example plug-ins, from wheels in a fresh environment: list, train, resume, evaluate, tournament
# make test-executors  benchmarks and sweeps on Ray and Slurm's submitit, which it installs: nodes killed, commands stopped
# make docs            the site, in build/site: pages, reference, notebooks, which it runs; a warning is an error
# make lint            style, format, types, workflows    make clean   remove what make made
# PYTHON=/path/to/python picks the interpreter; TESTS="tests/envs -x" narrows the test run; WORKERS=1 runs it in one process.

.DEFAULT_GOAL := help
VENV ?= .venv
BIN := $(VENV)/bin
TESTS ?= tests
WORKERS ?= 2
PYTEST := $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder
LEARNERS := build/learners
MARL := build/marl
EXAMPLES := build/examples
EXECUTORS := build/executors
SITE := build/site-tools
PLAY := $(foreach game,CoinGame-v0 IPD-v0,$(foreach agent,goodwill-loqa loqa pola-dice naive,$(if $(wildcard zoo/$(agent)/$(game).npz),zoo:$(agent)/$(game))))
SCHEMA := $(BIN)/check-jsonschema --builtin-schema vendor.
SPHINX := $(SITE)/bin/sphinx-build --quiet --fail-on-warning --keep-going -c docs/site
EXAMPLES_FACTOR ?= 30
DEMO := runs/demo-$(shell date +%Y%m%d-%H%M%S)

.PHONY: help demo test test-all test-faults test-learners test-examples test-executors test-report docs docs-links lint types clean

help:
	@sed -n 's/^# make/make/p' Makefile

# The coin game gets 60 of the preset's 100 updates: enough to see what they lead to.
demo: $(VENV)/installed
	$(BIN)/polax train pola-dice IPD-v0 --preset laptop --out $(DEMO)/ipd
	$(BIN)/polax train goodwill-loqa CoinGame-v0 --preset laptop --updates 60 --eval-every 6 --out $(DEMO)/coin_game
	$(BIN)/polax render $(DEMO)/coin_game --out $(DEMO)/coin_game.gif
	@echo "Everything is in $(DEMO): the runs, ipd/figures and coin_game/figures with their curves, and coin_game.gif"

# Most of what these tests compile runs for milliseconds: to optimise it takes longer than it saves.
test: $(VENV)/installed-dev
	JAX_DISABLE_MOST_OPTIMIZATIONS=1 $(PYTEST) $(TESTS)

test-all: test
	$(PYTEST) -m slow $(TESTS)

# A small share of it is part of `make test`; EXAMPLES_FACTOR says how many times as many attempts are made here. What came
# of them is written to results/faults.md.
test-faults: $(VENV)/installed-dev
	@rm -rf build/faults
	POLAX_FAULTS=$(EXAMPLES_FACTOR) $(BIN)/python -m pytest -m "faults or not faults" -n $(WORKERS) tests/faults
	$(BIN)/python tests/helpers/campaign.py

test-learners: $(LEARNERS)/installed $(MARL)/installed
	$(LEARNERS)/bin/python -m pytest -m learners $(TESTS)
	$(MARL)/bin/python -m pytest -m marl tests/learners

test-executors: $(EXECUTORS)/installed
	$(EXECUTORS)/bin/python -m pytest -m executors $(TESTS)

test-report: $(VENV)/installed-browser
	$(BIN)/python -m pytest -m browser tests/runner/report -rs

# Fresh every time: what it shows is what somebody who installs the wheels gets.
test-examples: | $(BIN)/python
	@rm -rf $(EXAMPLES) build/lib build/bdist.*
	$(BIN)/python -m venv $(EXAMPLES)
	$(EXAMPLES)/bin/python -m pip wheel --quiet --disable-pip-version-check --no-deps -w $(EXAMPLES)/wheels . ./examples/*/
	@rm -rf examples/*/build examples/*/*.egg-info
	$(EXAMPLES)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt pytest-xdist $(EXAMPLES)/wheels/*.whl
	$(EXAMPLES)/bin/python -m pytest -m examples -n 2 --dist loadfile tests/examples tests/testing tests/runner/commands/test_new_algorithm.py

docs: $(SITE)/installed
	$(SPHINX) -b html . build/site
	$(SITE)/bin/polax web $(PLAY) --out build/site/play.html
	$(SITE)/bin/polax report results/league --out build/site/league.html
	@echo "build/site/index.html"

# Whether what is linked elsewhere is there: needs the network, and runs no notebook.
docs-links: $(SITE)/installed
	$(SPHINX) -b linkcheck -D nb_execution_mode=off . build/links

lint: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(SCHEMA)github-workflows .github/workflows/*.yml
	$(SCHEMA)github-issue-forms .github/ISSUE_TEMPLATE/*.yml
	$(SCHEMA)citation-file-format CITATION.cff
	@$(MAKE) --no-print-directory types

# The repository's top level is the package, which a type checker cannot see: it checks an installed copy.
types: $(VENV)/installed-dev
	@rm -rf build/types build/lib build/bdist.*
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --target build/types .
	cd build/types && $(abspath $(BIN))/python -m mypy --config-file ../../pyproject.toml --cache-dir ../../.mypy_cache

$(VENV)/installed: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(VENV)/installed-dev: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@ $(VENV)/installed

$(VENV)/installed-browser: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,browser]'
	@touch $@ $(VENV)/installed $(VENV)/installed-dev

# An environment of their own: what they bring along is not what the suite and the type checker shall see.
$(LEARNERS)/installed: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m venv $(LEARNERS)
	$(LEARNERS)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,learners]'
	@touch $@

# Without the constraints: some of these libraries pin other versions of what the suite is tested with.
$(MARL)/installed: pyproject.toml | $(BIN)/python
	$(BIN)/python -m venv $(MARL)
	$(MARL)/bin/python -m pip install --quiet --disable-pip-version-check -e '.[dev,marl]'
	@touch $@

$(EXECUTORS)/installed: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m venv $(EXECUTORS)
	$(EXECUTORS)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,ray,slurm]'
	@touch $@

$(SITE)/installed: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m venv $(SITE)
	$(SITE)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[docs]'
	@touch $@

$(BIN)/python:
	@for python in "$$PYTHON" python3.12 python3.13 python3.11 python3 python; do \
	  if [ -n "$$python" ] && "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found=$$python; break; fi; \
	  if [ -n "$$python" ] && [ "$$python" = "$$PYTHON" ]; then echo "make: PYTHON=$$PYTHON is no Python 3.11 or later" >&2; exit 1; fi; \
	done; \
	if [ -z "$$found" ]; then echo "make: polax needs Python 3.11 or later; install it, or say where it is: make PYTHON=/path/to/python" >&2; exit 1; fi; \
	echo "Setting up $(VENV) with $$found (once; a few minutes, most of it download)"; \
	"$$found" -m venv $(VENV) || { rm -rf $(VENV); echo "make: $$found cannot make virtual environments; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }

clean:
	rm -rf $(VENV) build dist *.egg-info .jax_cache .mypy_cache .pytest_cache .ruff_cache
