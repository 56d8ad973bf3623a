# Two commands: `make run` shows the wallbox at work, `make test` checks everything. Both set up what they need.
PYTHON ?= python3
VENV := .build/venv/bin/python

.PHONY: run test lint size bench fuzz flash deploy bundle update provision repl run-on-board setup clean

# make run STAY=1 keeps the wallbox up after the story; LONG=1 waits 120 s for the loss of a heartbeat, too
run: ; @$(call exists,demo.py) && $(PYTHON) tools/setup.py run && exec $(VENV) tools/demo.py $(if $(LONG),--long) $(if $(STAY),--stay) $(ARGS)

# make test ARGS="host_tests/pure -k guard" WORKERS=2
test:
	@$(PYTHON) tools/setup.py test
	@$(VENV) -m ruff check -q --output-format concise . && lint=0 || lint=1; $(VENV) -m pytest -n $(or $(WORKERS),3) --dist loadfile --no-loadscope-reorder $(ARGS) || exit; \
	if [ $$lint = 1 ]; then echo "The tests passed, but ruff complains: its lines stand above them." >&2; exit 1; fi

lint: ; @$(PYTHON) tools/setup.py test && exec $(VENV) -m ruff check .

# .mpy bytes per package, and the smallest heap in which the firmware runs; fails beyond a gate
size: ; @$(PYTHON) tools/setup.py run mpy32 && exec $(VENV) tools/size.py $(ARGS)

# make fuzz CASES=100000: damaged SPINE datagrams, so many of each kind on each runtime (some minutes)
fuzz: ; @$(PYTHON) tools/setup.py run mpy32 && exec $(VENV) tools/fuzz.py $(if $(CASES),--cases $(CASES)) $(ARGS)

bench: ; @$(call exists,bench.py) && $(PYTHON) tools/setup.py run mpy32 && exec $(VENV) tools/bench.py $(ARGS)

# --- a real board, or the one of tools/pty_board.py; PORT=/dev/ttyUSB0

# make flash PORT=... FIRMWARE=image.bin or a version (1.26.1); erases everything
flash: ; @$(boards) && exec $(VENV) tools/flash.py --port $(PORT) --firmware $(FIRMWARE) $(ARGS)

# make deploy BOARD=devkit PORT=... [CONFIG=settings.json]
deploy: ; @$(boards) && exec $(VENV) tools/deploy.py --board $(or $(BOARD),devkit) --port $(PORT) $(if $(CONFIG),--config $(CONFIG)) $(ARGS)

# make bundle BOARD=devkit [ARCH=rv32imc] [ARGS="--out file"]: a signed update, for `update url=...` on the console
bundle: ; @$(PYTHON) tools/setup.py run && exec $(VENV) tools/bundle.py --board $(or $(BOARD),devkit) --arch $(or $(ARCH),xtensawin) $(ARGS)

# make update BOARD=devkit PORT=...: the same over the cable
update: ; @$(boards) && exec $(VENV) tools/update.py --board $(or $(BOARD),devkit) --port $(PORT) $(ARGS)

# make provision PORT=... [ARGS="--show"]
provision: ; @$(boards) && exec $(VENV) tools/provision_board.py --port $(PORT) $(ARGS)

repl: ; @$(boards) && exec $(VENV) -m mpremote connect port:$(PORT) resume repl

# make run-on-board PORT=... FILE=script.py: runs it there, the deployed program at hand
run-on-board: ; @$(boards) && exec $(VENV) -m mpremote connect port:$(PORT) run $(FILE)

setup: ; @$(PYTHON) tools/setup.py test

clean: ; rm -rf .build host_tests/peers/node_modules .pytest_cache .ruff_cache .hypothesis

exists = { test -f tools/$(1) || { echo "make $@: tools/$(1) is not there yet." >&2; false; }; }
boards = { test -n "$(PORT)" || { echo "make $@: say PORT=/dev/ttyUSB0 or the like." >&2; false; }; } && $(PYTHON) tools/setup.py run boards
