# AgentHost, from a bare machine: `make run`. Every target first sees to it that what it needs is there,
# and does nothing for what is there already. ARGS reaches the command: make run ARGS="--port 9000".
.DEFAULT_GOAL := help
SHELL := /bin/sh
MAKEFLAGS += --no-print-directory
START := @./make/start.sh
export PYTHON
KILLS ?= 60
JOBS ?= 3
MESSAGES ?= $(shell expr $(KILLS) '*' 34)
MINUTES ?= 120
RATE ?= 5
EVERY ?= 0
JUMPS ?= 6
CUTS ?= 250
SEED ?= 1
FLOOD ?= 10000
FUZZ ?= 10000
REGISTRY_CASES ?= 20000
API_CASES ?= 20000
WAKER_KILLS ?= 60
WAKER_CYCLES ?= 30
HUBS ?= 2,4
HUBS_MINUTES ?= 10

.PHONY: help run venv test pictures faults nightly soak check bench lock llama format clean train-router words

help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

run: venv ## set up and start the hub on 127.0.0.1:8080; it prints a link that signs you in
	@exec .venv/bin/agenthost run $(ARGS)

venv: ## set up .venv, llama.cpp and the embedded model, without starting anything
	$(START) setup run

test: ## set up, check, and run the tests, JOBS of them at a time; make test ARGS="-k inbox" runs some
	$(START) setup test
	@$(MAKE) check
	@exec .venv/bin/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder $(ARGS)

pictures: ## take the documentation's pictures anew (they look best with Debian's fonts-inter)
	$(START) setup test
	@AGENTHOST_PICTURES=1 exec .venv/bin/python -m pytest tests/browser/test_pictures.py $(ARGS)

faults: ## kill, fill and flood at length; make faults KILLS=200 SEED=7
	$(START) setup test
	@AGENTHOST_KILLS=$(KILLS) AGENTHOST_MESSAGES=$(MESSAGES) AGENTHOST_JUMPS=$(JUMPS) AGENTHOST_SEED=$(SEED) \
	AGENTHOST_FLOOD=$(FLOOD) AGENTHOST_FUZZ=$(FUZZ) AGENTHOST_XMPP_FAULTS=$(CUTS) AGENTHOST_REGISTRY_CASES=$(REGISTRY_CASES) \
	AGENTHOST_API_CASES=$(API_CASES) \
	AGENTHOST_HUBS=$(HUBS) AGENTHOST_HUBS_MINUTES=$(HUBS_MINUTES) AGENTHOST_HUBS_MESSAGES=48 AGENTHOST_HUBS_LATENCY=4 \
	AGENTHOST_WAKER_KILLS=$(WAKER_KILLS) AGENTHOST_WAKER_CYCLES=$(WAKER_CYCLES) \
	exec .venv/bin/python -m pytest -s tests/faults tests/hubs tests/waker/test_whole.py tests/waker/test_kills.py \
		tests/waker/test_ec2.py tests/xmpp/test_faults.py tests/xmpp/test_sleeping.py tests/live/test_registry_schema.py \
		tests/live/test_api_schema.py $(ARGS)

nightly: ## the faults as long as a night allows: 1,000 kills under 50,000 messages
	@$(MAKE) faults KILLS=1000 MESSAGES=50000 JUMPS=24

soak: ## messages at an even pace, for hours; make soak MINUTES=120 RATE=5, with kills too: EVERY=1 (minutes)
	$(START) setup test
	@AGENTHOST_SOAK_MINUTES=$(MINUTES) AGENTHOST_SOAK_RATE=$(RATE) AGENTHOST_SOAK_KILL_EVERY=$(EVERY) exec .venv/bin/python -m pytest -s tests/faults/test_soak.py $(ARGS)

check: ## format, lint, types and layers, changing nothing
	$(START) setup check
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/python -m mypy
	@.venv/bin/lint-imports

format: ## put the code into the house's format
	$(START) setup check
	@.venv/bin/ruff format .
	@.venv/bin/ruff check --fix .

train-router: venv ## train the router anew: make train-router DATA=folder, or for another decision model MODEL=file.gguf
	@exec .venv/bin/python -m make.training.whole $(DATA) $(if $(MODEL),--model $(MODEL)) $(ARGS)

bench: venv ## measure accepts, tokens, idle cost and memory
	@exec .venv/bin/agenthost bench $(ARGS)

llama: ## build llama.cpp again after a failure
	$(START) setup llama

words: ## gather the site's texts into its catalogues; make words LANGUAGE=fr begins one more
	$(START) setup check
	@.venv/bin/python -m make.catalogues $(LANGUAGE)

lock: ## renew the lock files to the newest versions that pyproject.toml allows
	$(START) setup check
	$(START) locks

clean: ## remove .venv and caches of the checkout; built wheels and models stay in the user's cache
	rm -rf .venv .cache dist build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
