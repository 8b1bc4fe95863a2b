# Every command of the project. A machine needs Python 3.11, Java 17, Maven and make; `make setup` does the rest once.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
STAMPS := build/stamps
MODEL_SOURCES := $(shell find models -name '*.py' 2>/dev/null)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help setup jars test test-kills test-unit check demo demo-clickstream demo-market demo-recommender bench \
  bench-rcf bench-auc bench-accuracy bench-gate bench-learning bench-flights bench-original bench-drift bench-market bench-recommender \
  clean clean-state

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMPS)/packages $(STAMPS)/jars $(STAMPS)/kernels  ## Everything a run needs: packages, jars, compiled kernels

# The interpreter is made once; packages follow pyproject.toml and the exact versions of constraints.txt.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || \
	  { echo "expected Python 3.11, got $$($(PYTHON) --version); name one: make setup PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv .venv

$(STAMPS)/packages: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@mkdir -p $(STAMPS) && touch $@

jars: $(STAMPS)/jars  ## Only the jars of broker and connector

$(STAMPS)/jars: flink-conf/jars.xml
	@command -v mvn >/dev/null || { echo "Maven is needed to resolve the jars (Debian: apt-get install maven)" >&2; exit 1; }
	@rm -rf build/jars && mkdir -p build
	@echo "resolving the jars of broker and connector"
	@mvn --batch-mode --file flink-conf/jars.xml generate-resources >build/maven.log 2>&1 || \
	  { cat build/maven.log >&2; exit 1; }
	@mkdir -p $(STAMPS) && touch $@

# The kernels' own cache knows what is current; the stamp only saves asking it.
$(STAMPS)/kernels: $(STAMPS)/packages $(MODEL_SOURCES)
	@echo "compiling kernels (about a minute the first time)"
	$(BIN)/python -m models.kernel_cache
	@mkdir -p $(STAMPS) && touch $@

test: setup  ## All tests but those of make test-kills, on a real broker and cluster too
	$(BIN)/python -m pytest -n 3 --dist loadscope -m "not kills"

test-kills: setup  ## More pipelines through five killed workers and two killed TaskManagers, as loudness in make test
	$(BIN)/python -m pytest -m kills tests/cluster

test-unit: setup  ## Only the fast tests: no Java
	$(BIN)/python -m pytest tests/unit

check: $(STAMPS)/packages  ## Lint and types
	$(BIN)/ruff check .
	$(BIN)/mypy

demo: setup  ## Start everything and watch it score; SECONDS=90 ends it by itself
	$(BIN)/cutbank demo $(if $(SECONDS),--seconds $(SECONDS))

demo-clickstream: setup  ## A model that learns from late clicks, with honest metrics; SECONDS=90 ends it by itself
	$(BIN)/cutbank demo clickstream $(if $(SECONDS),--seconds $(SECONDS))

demo-recommender: setup  ## Two rankings for the readers of a media site, with an A/B report; SECONDS=90 ends it by itself
	$(BIN)/cutbank demo recommender $(if $(SECONDS),--seconds $(SECONDS))

demo-market: setup  ## Three recorded minutes of exchanges (CUTBANK_DATA), collected, predicted, watched; ends by itself
	$(BIN)/cutbank demo market $(if $(SECONDS),--seconds $(SECONDS))

bench: setup  ## Cost of the crossing on the real cluster
	$(BIN)/python -m benchmarks

bench-accuracy: setup $(STAMPS)/bench $(STAMPS)/rcf-java  ## Verdicts on labelled series (CUTBANK_DATA) with plots, then bench-auc
	$(BIN)/python -m benchmarks.accuracy
	$(BIN)/python -m benchmarks.rcf.accuracy

bench-rcf: setup $(STAMPS)/bench $(STAMPS)/rcf-java  ## Speed and size of the forest beside its peers
	$(BIN)/python -m benchmarks.rcf

bench-auc: setup $(STAMPS)/bench $(STAMPS)/rcf-java  ## Accuracy of the forest beside its peers
	$(BIN)/python -m benchmarks.rcf.accuracy

bench-market: setup  ## What the market system carries, from a burst of recorded frames (CUTBANK_DATA) on
	$(BIN)/python -m benchmarks.market

bench-gate: setup  ## How soon the gate finds a better model, and how seldom it errs
	$(BIN)/python -m benchmarks.gate

bench-learning: setup $(STAMPS)/bench  ## Learners on recorded streams (CUTBANK_DATA) beside river's
	$(BIN)/python -m benchmarks.learning

bench-flights: setup  ## A year of flights with their real delays of labels, through Kafka and Flink
	$(BIN)/python -m benchmarks.learning.flights_job

bench-original: setup $(STAMPS)/bench  ## The original clickstream system: what it records, and what is true
	$(BIN)/python -m benchmarks.original_gate

bench-drift: setup  ## False alarms, delay and speed of the drift detectors, beside river
	$(BIN)/python -m benchmarks.drift

bench-recommender: setup  ## Rankings over recorded clicks (CUTBANK_DATA), equal variants, load and latency of the jobs
	$(BIN)/python -m benchmarks.recommender
	$(BIN)/python -m benchmarks.recommender_load
	$(BIN)/python -m benchmarks.recommender_latency

# The peers are nobody's dependency but the benchmarks'.
$(STAMPS)/bench: pyproject.toml constraints.txt $(STAMPS)/packages
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[bench]'
	@touch $@

$(STAMPS)/rcf-java: $(shell find benchmarks/rcf/java -type f 2>/dev/null)
	@echo "building the Java peer"
	@mkdir -p $(STAMPS)
	@mvn --batch-mode --file benchmarks/rcf/java/pom.xml process-classes >build/maven-rcf.log 2>&1 || \
	  { cat build/maven-rcf.log >&2; exit 1; }
	@touch $@

clean-state:  ## Stop the local stack and forget its topics, checkpoints and logs
	@if [ -x $(BIN)/cutbank ]; then $(BIN)/cutbank down; fi
	rm -rf .cutbank

clean: clean-state  ## Remove everything that was made, the virtual environment too
	rm -rf .venv build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
