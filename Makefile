# Two commands do all set-up: `make demo` and `make test`. Everything else is a part of them.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check -q
OUT    ?= demo-out
JOBS   ?= 2
EXTRAS ?= sql,polars,release,web

.PHONY: demo test lint e2e bench bench-tables bench-scale bench-images bench-safety bench-balance bench-web studies-small calibrate-costs calibrate wheelhouse clean help

help:
	@echo "make demo              set up, then run the main job on 569 real patients; says where the report is"
	@echo "make test              set up, lint, and run every test (under 15 minutes on two cores)"
	@echo "make e2e               the whole road in clean folders, and an install without network"
	@echo "make lint              ruff, mypy --strict, import floors"
	@echo "make bench             run on real data sets; writes benchmarks/results/"
	@echo "make bench-tables      generators of tables, ours and others', side by side; hours, goes on where it stopped"
	@echo "make bench-scale       time and memory against rows, columns, levels; the large runs; goes on where it stopped"
	@echo "make bench-images      time and memory of the road of pictures against their size and number, to 50,000; an hour of a core, goes on"
	@echo "make bench-safety      our attacks beside Anonymeter and SDMetrics: speed, and who catches what; hours, goes on"
	@echo "make bench-balance      does relieving class imbalance help? three tables, two learners; ten minutes of a core"
	@echo "make bench-web         fifty people at once on the review server, SQLite and PostgreSQL; two minutes"
	@echo "make studies-small     the published experiments again, at the size of two cores; goes on where it stopped, 90 minutes at most"
	@echo "make calibrate-costs   the constants behind estimates and --budget, measured anew; about an hour"
	@echo "make calibrate         every metric against fresh records, a copycat and noise, and the verdict against planted leaks; hours, goes on"
	@echo "make wheelhouse        pack wheels, font and docs for a machine without network; EXTRAS=release,web,images names the extras"

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "synthproof needs Python 3.11 or later")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.core: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) install -c constraints.txt -e .
	@touch $@

$(VENV)/.test: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) install -c constraints.txt -e '.[test,sql,polars,ray,cloud,torch,images,dp,web,postgres,release,c2pa,balance]'
	@touch $@ $(VENV)/.core

$(VENV)/.bench: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) install -c constraints.txt -e '.[test,sql,polars,ray,cloud,torch,images,dp,web,postgres,release,c2pa,balance,bench]'
	@touch $@ $(VENV)/.core $(VENV)/.test

demo: $(VENV)/.core
	@$(BIN)/synthproof demo -o $(OUT)

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: $(VENV)/.test lint
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal -m 'not slow and not e2e'

# Browser and PostgreSQL are the system's: installed where there is the right to, else the tests say what to install.
e2e: $(VENV)/.test
	$(PIP) install -c constraints.txt -e '.[e2e]'
	@command -v chromium >/dev/null || (test "$$(id -u)" = 0 && timeout 300 apt-get install -y -q --no-install-recommends chromium) || true
	@rm -f $(VENV)/.postgres-came
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || (test "$$(id -u)" = 0 && timeout 300 apt-get install -y -q --no-install-recommends postgresql && touch $(VENV)/.postgres-came) || echo "no PostgreSQL: its tests skip; install postgresql"
	$(BIN)/python -m pytest -m e2e
	@if test -f $(VENV)/.postgres-came; then echo "PostgreSQL came just now: its tests, which make test had to skip"; $(BIN)/python -m pytest tests/unit/web -k 'postgres or database_killed'; fi

bench: $(VENV)/.bench
	$(BIN)/python benchmarks/run.py

# Environments of the peers lie outside the repository: SYNTHPROOF_PEERS, or `peers` beside it.
bench-tables: $(VENV)/.bench
	$(BIN)/python benchmarks/tables/environments.py
	$(BIN)/python benchmarks/tables/cells.py
	$(BIN)/python benchmarks/tables/report.py
	$(BIN)/python benchmarks/tables/own.py

bench-scale: $(VENV)/.bench
	cd benchmarks && ../$(BIN)/python scale.py

bench-images: $(VENV)/.bench
	$(BIN)/python benchmarks/images/scale.py --minutes 90
	$(BIN)/python benchmarks/images/scale_page.py

bench-safety: $(VENV)/.bench
	$(BIN)/python benchmarks/tables/environments.py anonymeter sdv
	$(BIN)/python benchmarks/safety/speed.py
	$(BIN)/python benchmarks/safety/battery.py --adult
	$(BIN)/python benchmarks/safety/battery.py
	$(BIN)/python benchmarks/safety/catch.py --redraws 10
	$(BIN)/python benchmarks/safety/page.py

bench-web: $(VENV)/.bench
	$(BIN)/python benchmarks/web/load.py

studies-small: $(VENV)/.bench
	$(BIN)/python studies/mnist.py
	$(BIN)/python studies/views.py
	$(BIN)/python studies/xrays.py --minutes 15
	$(BIN)/python studies/xrays.py --generator image.pggan --side 48 --images 24000
	$(BIN)/python studies/blood_cells.py
	$(BIN)/python studies/pneumonia.py
	$(BIN)/python studies/page.py

calibrate-costs: $(VENV)/.bench
	cd benchmarks && ../$(BIN)/python costs.py --minutes 60

bench-balance: $(VENV)/.bench
	$(BIN)/python benchmarks/balance.py --again
	$(BIN)/python benchmarks/balance_page.py

calibrate: $(VENV)/.bench
	$(BIN)/python benchmarks/calibrate.py
	$(BIN)/python benchmarks/verdicts.py

wheelhouse: $(BIN)/python
	$(BIN)/python -m pip --disable-pip-version-check -q wheel -c constraints.txt -w wheelhouse '.[$(EXTRAS)]'
	cp -r README.md README.ko.md LICENSE constraints.txt docs wheelhouse/
	@echo "wheelhouse/ is ready. On the machine without network:"
	@echo "  python3 -m venv venv && venv/bin/pip install --no-index --find-links wheelhouse 'synthproof[$(EXTRAS)]'"

clean:
	rm -rf $(VENV) $(OUT) wheelhouse build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
