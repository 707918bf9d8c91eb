# The commands people use. Each sets up what it needs first and is quick when nothing changed.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

WORKERS ?= 2
TESTS ?= tests
PYTEST := .venv/bin/python -m pytest
BENCHMARKS ?= herd sync hook change idle page telephony pull scale

.PHONY: help setup run clean servers lint test test-domain test-full soak bench docs lock format translations

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup:  ## a virtual environment in .venv with the package, its extras and the pins
	@.ci/setup

run: setup  ## the whole product on http://127.0.0.1:8000 (PORT=); Ctrl-C ends it
	@exec .venv/bin/python -m example_app

clean:  ## forget the data of `make run`
	rm -rf .run

servers:
	@.ci/servers

lint: setup  ## style, types, import directions, security patterns
	@.ci/lint

test-domain: setup
	$(PYTEST) tests/domain -q -n $(WORKERS) -m "not full and not soak" --cov --cov-report=term:skip-covered --cov-fail-under=100

test: setup servers lint test-domain  ## everything that fits into half an hour on two cores
	WORKERS=$(WORKERS) .ci/tests $(TESTS) --ignore=tests/domain -m "not full and not soak"

test-full: setup servers lint test-domain  ## also what is too long for `make test`
	$(PYTEST) $(TESTS) -n $(WORKERS) --dist loadfile --timeout=3600 -m "not soak"

soak: setup servers  ## every fault, random kills, long lives, a simulated year; over half an hour
	$(PYTEST) $(TESTS) --timeout=0 -m "soak or faults"
	$(PYTEST) tests/domain/test_year.py -n $(WORKERS) --timeout=0

bench: setup servers  ## our figures beside the peers'
	@for name in $(BENCHMARKS); do .venv/bin/python -m benchmarks $$name || exit; done

docs: setup  ## the documentation, into site/
	NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs build --strict

format: setup  ## lay out the code
	.venv/bin/ruff check --quiet --fix .
	.venv/bin/ruff format .

translations: setup  ## gather the sentences into the catalogues and compile them
	@.ci/translations

lock:  ## compile the pins anew (UPGRADE=--upgrade takes newer versions)
	.ci/lock $(UPGRADE)
