# Two commands do all the set-up: `make book` and `make test`. `make help` lists the rest.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# Small nets on few cores are many times slower when threads contend.
export OMP_NUM_THREADS ?= 1
export PYTHONUNBUFFERED = 1
# No phoning home while the book is built; the version check of pip is noise.
export PIP_DISABLE_PIP_VERSION_CHECK = 1
READY := $(VENV)/.ready
SCALE ?=
BOOK = $(BIN)/jupyter-book build --all -W --keep-going -n .

.DEFAULT_GOAL := help
.PHONY: help book test lab execute lint unit nbval browser mutate checks results bench exercises links clean

help:  ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(READY): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(v < (3, 10) and "gmcourse needs Python 3.10 or newer; this is %d.%d. Name one: make PYTHON=python3.12 ..." % v)'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "could not make $(VENV): on Debian and Ubuntu install the package python3-venv"; exit 1; }
	@echo "installing into $(VENV): some minutes on the first run"
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -r requirements.txt
	@touch $@

book: $(READY)  ## the published book at _build/html (SCALE=smoke|cpu|gpu executes every chapter first)
ifneq ($(SCALE),)
	$(BIN)/python tools/notebooks.py execute --scale $(SCALE)
endif
	$(BOOK)
	@echo "The book: _build/html/index.html"

test: lint unit nbval browser  ## everything that CI checks

lint: $(READY)  ## style, types, spelling, and that pairs and generated pages are up to date
	$(BIN)/ruff check .
	$(BIN)/ruff format --check src tests tools benchmarks notebooks/exercises
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/codespell
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/python tools/notebooks.py status
	$(BIN)/python tools/exercises.py fill --check
	$(BIN)/python tools/exercises.py prove --check
	$(BIN)/python tools/exercise_table.py --check
	$(BIN)/python tools/results.py --check

unit: $(READY)  ## the library's tests and doctests, with shapes checked
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not browser"
	$(BIN)/python -m pytest -n 2 --doctest-modules src/gmcourse

nbval: $(READY)  ## every chapter, executed at smoke scale
	GMCOURSE_SCALE=smoke $(BIN)/python -m pytest --nbval-lax --nbval-cell-timeout 300 notebooks/[0-9][0-9]_*.ipynb -n 2 --dist loadscope

browser: $(READY)  ## the built book and the live models, in a headless browser
	$(BOOK) -q
	$(BIN)/python -m pytest -m browser

checks: $(READY)  ## prove every exercise's check, and write the table of kill rates
	$(BIN)/python tools/exercises.py fill
	$(BIN)/python tools/exercises.py prove

exercises: $(READY)  ## student and instructor notebooks in _build/exercises
	$(BIN)/python tools/exercises.py notebooks

lab: $(READY)  ## JupyterLab on the notebooks (LAB=--allow-root and the like are passed on)
	$(BIN)/jupyter lab --notebook-dir=notebooks $(LAB)

execute: $(READY)  ## run the chapters whose code changed and store their outputs (SCALE=cpu)
	$(BIN)/python tools/notebooks.py execute --stale --scale $(or $(SCALE),cpu)

mutate: $(READY)  ## plant a catalog of real mistakes; the tests must catch each
	$(BIN)/python tools/mutate.py

results: $(READY)  ## recompute every number of the results page from the shipped weights
	$(BIN)/python tools/results.py --recompute

bench: $(READY)  ## side by side with the peers, as ratios (installs them in .venv-bench)
	$(BIN)/python benchmarks/run.py

links: $(READY)  ## check every link that leaves the book (needs the network)
	$(BIN)/jupyter-book build --all --builder linkcheck .

clean:  ## remove what was built (the environment stays)
	rm -rf _build .pytest_cache .ruff_cache .hypothesis
