# The commands of the README. `make run` needs only python3 (3.11 or later), make and the package registry.
# HOST and PORT say where it listens: make run PORT=8001
PYTHON ?= python3
BIN := .venv/bin
.DEFAULT_GOAL := run
.PHONY: run test check bench chaos lighthouse messages venv venv-dev tools merge-driver clean

run: messages
	@exec $(BIN)/python -m outreach.supervisor

test: venv-dev tools messages
	$(BIN)/pytest --numprocesses auto

# What a deployment would have; the check connects nowhere.
PRODUCTION := DEMO=0 DATABASE_URL=postgres://u:p@db.example/outreach REDIS_URL=redis://redis.example \
	SECRET_KEY=$$(openssl rand -base64 48 2>/dev/null || head -c 48 /dev/urandom | base64) \
	ID_NUMBER_KEY=$$(head -c 48 /dev/urandom | base64) ALLOWED_HOSTS=outreach.example

check: venv-dev tools messages
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	find templates */templates -name '*.html' 2>/dev/null | xargs -r $(BIN)/djhtml --check
	$(BIN)/mypy .
	$(BIN)/lint-imports
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python manage.py check_translations
	$(PRODUCTION) $(BIN)/python manage.py check --deploy --fail-level WARNING

# ONLY=units runs bench/bench_units.py alone
bench: venv-dev messages
	@$(BIN)/python -m bench.run $(ONLY)

# A phone, a server and everything that can go wrong between them: make chaos VISITS=10000 SEED=7
chaos: venv-dev tools messages
	@$(BIN)/python -m tests.browser.chaos $(or $(VISITS),10000) $(SEED)

# Google's Lighthouse on the phone's pages; needs npx and the npm registry, so it is no part of the tests.
lighthouse: venv-dev tools messages
	@$(BIN)/python -m bench.lighthouse

messages: venv
	@$(BIN)/python -m outreach.messages

# The requirements last installed lie in .venv: they are installed again only when they differ.
venv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "Python 3.11 or later is needed; $(PYTHON) is $$($(PYTHON) --version 2>&1). Name another: make run PYTHON=python3.12" >&2; exit 1; }
	@test -x $(BIN)/python -a -x $(BIN)/pip || { \
	  $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	    { echo "$(PYTHON) lacks its venv module. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }; \
	  echo "Making .venv"; $(PYTHON) -m venv --clear .venv; }
	@cmp -s requirements.txt .venv/requirements.txt || { \
	  echo "Installing requirements.txt"; \
	  $(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt && cp requirements.txt .venv/; }

venv-dev: venv
	@cmp -s requirements-dev.txt .venv/requirements-dev.txt || { \
	  echo "Installing requirements-dev.txt"; \
	  $(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt && cp requirements-dev.txt .venv/; }

# Programs of the system that tests and checks need; libatomic is for the node inside playwright.
tools:
	@missing=""; \
	command -v chromium >/dev/null || command -v chromium-browser >/dev/null || missing="$$missing chromium"; \
	test -n "$$(find /usr/share/fonts -iname '*cjk*' 2>/dev/null | head -n 1)" || missing="$$missing fonts-noto-cjk"; \
	test -n "$$(find /lib /usr/lib -name libatomic.so.1 2>/dev/null | head -n 1)" || missing="$$missing libatomic1"; \
	command -v soffice >/dev/null || missing="$$missing libreoffice-writer"; \
	command -v pdftoppm >/dev/null || missing="$$missing poppler-utils"; \
	command -v xgettext >/dev/null || missing="$$missing gettext"; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then \
	  echo "Missing:$$missing. Install them, on Debian and Ubuntu: sudo apt-get install$$missing" >&2; exit 1; fi; \
	echo "Installing$$missing"; \
	apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $$missing >/dev/null

# Once per clone, for whoever merges branches that both add texts.
merge-driver:
	git config merge.po.driver "$$(git rev-parse --show-toplevel)/.ci/merge_po %O %A %B"

clean:
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
	find locale -name '*.mo' -delete
