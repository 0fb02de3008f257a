# Two commands do all the set-up: `make book` and `make test`. `make help` lists the rest.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
# Small nets on few cores are many times slower when threads contend.
export OMP_NUM_THREADS ?= 1
export PYTHONUNBUFFERED = 1
# Without bytecode every process would rewrite the tests' assertions anew.
unexport PYTHONDONTWRITEBYTECODE
# No phoning home while the book is built; the version check of pip is noise.
export PIP_DISABLE_PIP_VERSION_CHECK = 1
READY := $(VENV)/.ready
# SINCE=origin/main: chapters and mutants that a change since then does not concern are
# left out.
export SINCE ?=
SCALE ?=
CLOCK = @$(BIN)/python tools/times.py
PYTEST = $(BIN)/python -m pytest -n 2
# Plugins that take a second or two to start, in each of three processes.
PLAIN = -p no:nbval -p no:anyio
BOOK := _build/html/.stamp
PAGES := $(shell find _config.yml _toc.yml book notebooks src/gmcourse -type f \
	\( -name '*.md' -o -name '*.py' -o -name '*.ipynb' -o -path 'book/_*' -o -name '*.yml' \
	-o -name '*.bib' \) ! -path '*/__pycache__/*' ! -path '*/.*')

.DEFAULT_GOAL := help
.PHONY: help book test pdf lab lint unit nbval browser times execute checks exercises mutate results bench links clean

help:  ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

# For readers.

book: $(READY)  ## the published book at _build/html (SCALE=smoke|cpu|gpu executes every chapter first)
ifneq ($(SCALE),)
	$(BIN)/python tools/notebooks.py execute --scale $(SCALE)
endif
	@$(MAKE) --no-print-directory $(BOOK)
	@echo "The book: _build/html/index.html"

test: $(READY)  ## what CI checks at every push, in about five minutes
	$(MAKE) --no-print-directory -j 2 lint $(BOOK)
	$(MAKE) --no-print-directory unit nbval browser

pdf: $(BOOK)  ## the book as one PDF, _build/html/gmcourse.pdf (needs Chromium or Chrome)
	$(BIN)/python tools/pdf.py

# Rooted at the repository: links from the chapters to the book's pages lead somewhere.
# The texts of the chapters, beside the notebooks, are for authors: not in the list.
lab: $(READY)  ## JupyterLab on chapter 0 (LAB=--allow-root and the like are passed on)
	$(BIN)/jupyter lab --ServerApp.root_dir=. --ContentsManager.hide_globs='[0-9][0-9]_*.md' \
		--ContentsManager.hide_globs=__pycache__ $(LAB) notebooks/00_start_here.ipynb

# For contributors: the parts of `make test`.

lint: $(READY)  ## style, types, spelling, and that pairs and generated pages are up to date
	$(CLOCK) start lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check src tests tools benchmarks notebooks/exercises
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/codespell
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/python tools/notebooks.py status
	$(BIN)/python tools/chapter_lists.py --check
	$(BIN)/python tools/exercises.py fill --check
	$(BIN)/python tools/exercises.py prove --check
	$(BIN)/python tools/exercise_table.py --check
	$(BIN)/python tools/results.py --check
	$(CLOCK) stop lint

unit: $(READY)  ## the library's tests and doctests, with shapes checked
	$(CLOCK) start unit
	$(PYTEST) $(PLAIN) --dist worksteal --junitxml=_build/times/unit.xml -m "not browser" --doctest-modules tests src/gmcourse
	$(CLOCK) stop unit

nbval: $(READY)  ## every chapter, executed at smoke scale
	$(CLOCK) start nbval
	@chapters=$$($(BIN)/python tools/changed.py chapters $(SINCE)) || exit 1; \
	if [ -z "$$chapters" ]; then echo "nbval: the change concerns no chapter"; exit 0; fi; \
	GMCOURSE_SCALE=smoke $(PYTEST) --dist loadscope --junitxml=_build/times/nbval.xml \
		--nbval-lax --nbval-cell-timeout 300 $$chapters
	$(CLOCK) stop nbval

browser: $(BOOK)  ## the built book and the live models, in a headless browser
	$(CLOCK) start browser
	$(PYTEST) $(PLAIN) --dist worksteal --junitxml=_build/times/browser.xml -m browser $$(grep -l mark.browser tests/test_*.py)
	$(CLOCK) stop browser

times: $(READY)  ## where the seconds of the last `make test` went, and a projection
	$(BIN)/python tools/times.py

# For contributors: what makes and proves the rest.

execute: $(READY)  ## run the chapters whose code changed and store their outputs (SCALE=cpu)
	$(BIN)/python tools/notebooks.py execute --stale --scale $(or $(SCALE),cpu)

checks: $(READY)  ## prove the checks of exercises that changed (ALL=1: of all), write their page
	$(BIN)/python tools/exercises.py fill
	$(BIN)/python tools/exercises.py prove $(if $(ALL),--all)

exercises: $(READY)  ## student and instructor notebooks in _build/exercises
	$(BIN)/python tools/exercises.py notebooks

mutate: $(READY)  ## plant mistakes; the tests must notice (WORDS=vae, RANDOM=40 SEED=0, SINCE=origin/main)
	$(BIN)/python tools/mutate.py $(WORDS) $(if $(SINCE),--since $(SINCE)) $(if $(RANDOM),--random $(RANDOM) --seed $(or $(SEED),0))

results: $(READY)  ## measure the models of the results page again, from their weights
	$(BIN)/python tools/results.py --recompute

bench: $(READY)  ## side by side with the peers, as ratios (installs them in .venv-bench)
	$(BIN)/python benchmarks/run.py

links: $(READY)  ## check every link that leaves the book (needs the network)
	$(BIN)/jupyter-book build --all --builder linkcheck .

clean:  ## remove what was built (the environment stays)
	rm -rf _build .pytest_cache .ruff_cache .hypothesis

$(READY): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(v < (3, 10) and "gmcourse needs Python 3.10 or newer; this is %d.%d. Name one: make PYTHON=python3.12 ..." % v)'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "could not make $(VENV): on Debian and Ubuntu install the package python3-venv"; exit 1; }
	@echo "installing into $(VENV): some minutes on the first run"
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -r requirements.txt
	@touch $@

# One build serves `make book`, the tests in a browser and whoever reads the pages.
$(BOOK): $(READY) $(PAGES)
	$(CLOCK) start book
	@echo "building the book: about a minute"
	$(BIN)/jupyter-book build --all -W --keep-going -q -n .
	@touch $@
	$(CLOCK) stop book
