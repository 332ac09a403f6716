# Plain python3 -m venv and pip. `make demo` and `make test` install what they need, once.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
WHEELS := dist
FIND := $(if $(wildcard $(WHEELS)),--find-links $(WHEELS))
# Releases to install, where the newest are not meant: requirements/ci.txt, requirements/lowest.txt.
CONSTRAINTS ?=
PINNED := $(if $(CONSTRAINTS),-c $(CONSTRAINTS))
QUESTION := How much did the tribunal at Geneva award to the United States?

.PHONY: demo test test-slow test-fast test-light test-arm test-arm-llama test-ray lint docs cli-page figures bench-quick install \
    lock wheels wheel-multi desktop clean

demo: $(VENV)/.installed-demo
	@$(BIN)/python examples/demo.py examples/data/grant-1872.txt "$(QUESTION)"

test: $(VENV)/.installed-dev
	$(BIN)/python -m pytest

test-slow: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -m slow

# What a contributor runs first: the light tests but those marked long.
test-fast: $(VENV)/.installed-test
	$(BIN)/python -m pytest --light -m 'not slow and not long'

# What needs neither torch nor llama.cpp, under any Python:
# make test-light PYTHON=/usr/bin/python3 VENV=.venv-light
test-light: $(VENV)/.installed-test
	$(BIN)/python -m pytest --light

# The wheel on emulated 64-bit ARM, from nothing; PART=quick is what CI runs. Needs apt.
test-arm: $(VENV)/.installed-test
	rm -rf build/wheel
	$(BIN)/python -m hatchling build -t wheel -d build/wheel
	PIP="$(BIN)/python -m pip" scripts/test_arm.sh build/wheel/*.whl $(PART)

# The reader there, compiled first.
test-arm-llama: $(VENV)/.installed-test wheel-aarch64
	$(BIN)/python -m edgelingua models fetch smollm2-135m-instruct
	PIP_FIND_LINKS="$(CURDIR)/$(WHEELS)" $(MAKE) test-arm PART=llama

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy --platform win32 --cache-dir .mypy_cache/win32 runtime
	$(BIN)/lint-imports

# A corpus on a cluster of this machine; Ray is not among what CI installs, for it takes too long.
test-ray: $(VENV)/.installed-dev
	$(BIN)/python -m pip install -e '.[ray]'
	$(BIN)/python -m pytest tests/corpus/test_ray.py

# The documentation, into build/site; a broken link or reference fails.
docs: $(VENV)/.installed-docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

# The smallest case of the benchmarks: do the scripts still run? A minute.
bench-quick: $(VENV)/.installed-dev
	$(BIN)/python -m benchmarks.quick

# Tables of benchmarks in the pages that show them; a test compares them.
figures: $(VENV)/.installed-test
	$(BIN)/python scripts/figures.py

# The page of the command line, from what --help says; a test compares them.
cli-page: $(VENV)/.installed-test
	$(BIN)/python scripts/cli_page.py

install: $(VENV)/.installed-dev

# No torch. `make install` brings more than that, so it will do.
$(VENV)/.installed-demo: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --upgrade 'pip>=24'
	@$(BIN)/python scripts/compiler.py $(WHEELS)
	$(BIN)/python -m pip install $(FIND) -e '.[cli,llama]'
	touch $@

$(VENV)/.installed-test: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --upgrade 'pip>=24'
	$(BIN)/python -m pip install $(PINNED) -e '.[test]'
	touch $@

$(VENV)/.installed-docs: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --upgrade 'pip>=24'
	$(BIN)/python -m pip install $(PINNED) -e '.[docs]'
	touch $@

$(VENV)/.installed-dev: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --upgrade 'pip>=24'
	@$(BIN)/python scripts/compiler.py $(WHEELS)
	$(BIN)/python -m pip install $(FIND) $(PINNED) -e '.[dev]'
	touch $(VENV)/.installed-demo $(VENV)/.installed-test $@

# What CI runs with, from an environment of the newest releases that has passed; and the lowest that
# pyproject.toml allows.
lock: $(VENV)/.installed-dev $(VENV)/.installed-docs
	$(BIN)/python -m pip freeze --exclude edgelingua | sed 's/+cpu$$//' > requirements/ci.txt
	test -x build/tools/bin/python || $(PYTHON) -m venv build/tools
	build/tools/bin/python -m pip install uv
	build/tools/bin/uv pip compile --quiet --resolution lowest-direct --python-version 3.11 \
	    --no-header --no-annotate --extra test --extra chat pyproject.toml -o requirements/lowest.txt

# llama-cpp-python for every CPU of these architectures; the second needs Debian's cross compiler.
# And the bundle of many languages.
wheels: wheel-x86_64 wheel-aarch64 wheel-multi

# edgelingua-multi, which edgelingua[multilingual] asks for.
wheel-multi:
	test -x build/tools/bin/python || $(PYTHON) -m venv build/tools
	build/tools/bin/python -m pip install 'hatchling>=1.27'
	cd models/edgelingua-multi && ../../build/tools/bin/python -m hatchling build -t wheel -d ../../$(WHEELS)

wheel-%:
	test -x build/tools/bin/python || $(PYTHON) -m venv build/tools
	build/tools/bin/python -m pip install --upgrade pip -r scripts/requirements.txt
	build/tools/bin/python scripts/llama_wheel.py $* --out $(WHEELS)

# examples/desktop as a folder that needs no Python; `make wheel-x86_64` before it, for any CPU.
desktop:
	$(PYTHON) -m venv build/desktop/venv
	build/desktop/venv/bin/python -m pip install $(FIND) . -r examples/desktop/requirements.txt
	build/desktop/venv/bin/pyinstaller --noconfirm --workpath build/desktop --distpath dist \
	    examples/desktop/desktop.spec

clean:
	rm -rf $(VENV) build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
