# make run   a network in this checkout, its server, and the console connected to it
# make test  what the tests need, the whole suite, and the counts
# make bench [SCENARIO=NAME] [ARGS=...]  benchmarks of this machine (docs/performance.md)
# make conformance IRCTEST=PATH  the public suite irctest, from a checkout (docs/conformance.md)
# make screenshots  the picture in the README, from the real programs

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check \
	--config-settings editable_mode=compat

.PHONY: run test bench conformance screenshots lint clean

run: $(VENV)/installed
	@$(BIN)/securechat run

test: $(VENV)/installed-tests
	@$(BIN)/python tests/run.py

bench: $(VENV)/installed-tests
	@$(BIN)/python -m bench $(SCENARIO) $(ARGS)

conformance:
	@$(PYTHON) tests/conformance/run.py "$(IRCTEST)" $(ARGS)

screenshots: $(VENV)/installed-tests
	@$(BIN)/python docs/picture.py

lint: $(VENV)/installed-lint
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy --strict
	$(BIN)/lint-imports

clean:
	rm -rf $(VENV) build *.egg-info _trial_temp*

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'securechat needs Python 3.11 or later: make PYTHON=/path/to/python3.11' >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
		{ rm -rf $(VENV); echo 'Python has no venv here: on Debian, apt-get install python3-venv' >&2; exit 1; }

$(VENV)/installed: setup.cfg pyproject.toml | $(BIN)/python
	@echo 'Installing securechat into $(VENV) ...'
	@$(INSTALL) -e .
	@touch $@

$(VENV)/installed-tests: $(VENV)/installed tests/packages.sh
	@sh tests/packages.sh
	@echo 'Installing what the tests need ...'
	@$(INSTALL) -e '.[bench,e2e,mariadb,test]'
	@touch $@

$(VENV)/installed-lint: $(VENV)/installed-tests
	@$(INSTALL) -e '.[bench,e2e,mariadb,test,lint]'
	@touch $@
