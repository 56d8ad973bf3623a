# Two commands: `make run` shows the wallbox at work, `make test` checks everything. Both set up what they need.
PYTHON ?= python3
VENV := .build/venv/bin/python

.PHONY: run test lint size bench deploy repl flash setup clean

# make run STAY=1 keeps the wallbox up after the story
run: ; @$(call exists,demo.py) && $(PYTHON) tools/setup.py run && exec $(VENV) tools/demo.py $(if $(STAY),--stay) $(ARGS)

# make test ARGS="host_tests/pure -k guard"
test:
	@$(PYTHON) tools/setup.py test
	@$(VENV) -m ruff check -q --output-format concise . && lint=0 || lint=1; $(VENV) -m pytest -n 2 --dist loadgroup $(ARGS) || exit; \
	if [ $$lint = 1 ]; then echo "The tests passed, but ruff complains: its lines stand above them." >&2; exit 1; fi

lint: ; @$(PYTHON) tools/setup.py test && exec $(VENV) -m ruff check .

# .mpy bytes per package, and the smallest heap in which the firmware runs; fails beyond a gate
size: ; @$(PYTHON) tools/setup.py run mpy32 && exec $(VENV) tools/size.py $(ARGS)

bench: ; @$(call exists,bench.py) && $(PYTHON) tools/setup.py run mpy32 && exec $(VENV) tools/bench.py $(ARGS)

# make deploy BOARD=name PORT=/dev/ttyUSB0
deploy repl flash: ; @echo "make $@ arrives with the boards." >&2; exit 1

setup: ; @$(PYTHON) tools/setup.py test

clean: ; rm -rf .build host_tests/peers/node_modules .pytest_cache .ruff_cache .hypothesis

exists = { test -f tools/$(1) || { echo "make $@: tools/$(1) is not there yet." >&2; false; }; }
