# The same commands a developer, CI and a newcomer call. A fresh machine needs `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# One thread per process: two OpenMP threads on a busy two-core machine are many times slower than one.
export OMP_NUM_THREADS := 1

.PHONY: audit demo example-report faults fuzz test test-all lint bench calibrate calibrate-real nulls docs clean

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt torch
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

demo: $(STAMP)
	$(BIN)/biasaudit demo -o out/demo

# One worker per core; a worker that has run out of tests takes some of another's.
test: $(STAMP)
	$(BIN)/python -m pytest -n logical --maxprocesses 8 --dist worksteal

test-all: $(STAMP)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt mlflow-skinny monai s3fs 'moto[s3,server]'
	$(BIN)/python -m pytest -m 'slow or not slow'

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(STAMP)
	$(BIN)/python benchmarks/run.py

calibrate: $(STAMP)
	$(BIN)/biasaudit calibrate -o calibration
	mkdir -p docs/calibration
	cp calibration/calibration.md docs/calibration.md
	cp calibration/*.svg calibration/*.tsv docs/calibration/
	cp calibration/measured.json src/biasaudit/calibration/measured.json
	$(BIN)/biasaudit calibrate --grid protocols/calibration-checks.yaml -o calibration-checks
	cp calibration-checks/calibration-checks.md docs/calibration-checks.md
	cp calibration-checks/cohorts.tsv docs/calibration/cohorts-checks.tsv
	cp calibration-checks/measured-checks.json src/biasaudit/calibration/measured-checks.json

# Real images must be at hand; hours, resumes.
calibrate-real: $(STAMP)
	$(BIN)/python benchmarks/real_images.py calibration-real --write docs \
		--measured src/biasaudit/calibration/measured-pictures.json

# The nulls that tests do not like, of both; after `calibrate-real`, whose cohorts it judges. Hours, resumes.
nulls: $(STAMP)
	$(BIN)/python benchmarks/nulls.py calibration-nulls --pictures calibration-real --drawn 400 --write docs

# Damage that takes seconds; `benchmarks/faults.py` knows more kinds.
faults: $(STAMP)
	$(BIN)/python benchmarks/faults.py damage --tries 12

# Random input of every kind; each kind's inputs are numbered, so that one can be repeated alone.
fuzz: $(STAMP)
	for kind in $(basename $(notdir $(wildcard benchmarks/fuzz_*.py))); do \
		$(BIN)/python benchmarks/fuzz.py $${kind#fuzz_} --inputs 3000 --workers 2 || exit 1; \
	done

# Known vulnerabilities of what is installed; needs the advisories of the package index.
audit: $(STAMP)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt pip-audit
	$(BIN)/pip-audit --local --skip-editable --progress-spinner off

# Everything that a user installs, on all systems, each file by its hash.
lock: $(STAMP)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt uv
	$(BIN)/uv pip compile pyproject.toml -c constraints.txt --extra cluster --extra combat --extra dask --extra dicom --extra itk --extra tables \
		--universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
		--custom-compile-command 'make lock' --quiet -o requirements.lock

# The report that the front page of the documentation shows; it is part of the repository, so it must stay small.
example-report: demo
	test $$(wc -c < out/demo/report.html) -le 1500000
	mkdir -p docs/example
	cp out/demo/report.html docs/example/report.html

docs: $(STAMP)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[docs]'
	$(BIN)/mkdocs build --strict

clean:
	rm -rf $(VENV) out site dist
