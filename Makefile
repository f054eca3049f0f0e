# `make help` explains the targets. CI calls the same ones.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
RUN_SMOKE := exec env PYTHONPATH=tests $(BIN)/python -m smoke
MEASURED := $(addprefix tests/,fuzz unit scenarios contract/airflow contract/aws contract/cli contract/control)
CALLS  := .test/aws-calls
TERRAFORM ?= $(or $(shell command -v terraform),$(shell command -v tofu),terraform)

# make silently ignores a misspelled setting. Only these may be given on its command line:
SETTINGS := PYTHON TERRAFORM XDG_CACHE_HOME AIRFLOW KEEP DB BASE_IMAGE AIRFLOW_HOST AIRFLOW_PORT CLOUD_PORT REGISTRY_PORT \
  POSTGRES_PORT SMOKE FAULTS OWN_AIRFLOW OPTIONAL PICTURES \
  IMAGE KIND EXTRA PLATFORM COMPRESSION NETWORK REGISTRY SOURCE CONTROL_IMAGE STOCK_IMAGE OUT TAG TERRAFORM_DIR NAME \
  REGION SIZE AUTO_APPROVE PORT FROM CONFIRM SNAPSHOT DRAIN RELEASE BASES BOTO3 SHUFFLE WORKERS EXAMPLES SEED ONLY \
  QUICK SECONDS MODULES RUNS CPUS
$(foreach name,$(.VARIABLES),$(if $(findstring command,$(origin $(name))),$(if $(filter $(name),$(SETTINGS)),,\
  $(error $(name) is not a setting. `make help` lists the settings of each target))))

.DEFAULT_GOAL := help
.PHONY: help venv lint test test-fast fuzz test-oldest test-matrix support coverage mutate example-dags test-boto3 test-engine test-images image-figures smoke smoke-down bench start-times chaos soak cloud up open password dags destroy build push build-push sbom docs release-check lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo "  smoke: KEEP=1 keeps everything running, AIRFLOW=3.2.2 runs another release (3.3.2 by default),"
	@echo "    OWN_AIRFLOW=1 runs your own Airflow beside the deployment, as any AIRFLOW before 3.2.2 does (DB=sqlite),"
	@echo "    FAULTS=1 breaks more (10 minutes more), PICTURES=folder takes pictures."
	@echo "  smoke, test: BASE_IMAGE=..., AIRFLOW_PORT=... CLOUD_PORT=..."
	@echo "  test: SMOKE=0 skips the smoke.  build, push: IMAGE=... BASE_IMAGE=... KIND=control EXTRA=folder"
	@echo "  all targets: PYTHON=python3.12 (3.10 to 3.13), TERRAFORM=tofu, XDG_CACHE_HOME=..."

venv: ## Make .venv from the lock, again only if the lock changed
	@$(PYTHON) tests/smoke/environment.py dev

# prek needs git. Here git accepts a work tree of another user, and a copy without .git gets one in .test.
LINT_ENV = GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0='$(CURDIR)' \
  PREK_HOME='$(CURDIR)/.test/prek' TERRAFORM='$(TERRAFORM)' \
  SKIP=$(if $(shell command -v $(TERRAFORM)),,terraform-fmt,terraform-validate,)$(if $(shell command -v tflint),,tflint)
lint: venv ## Run the linters of .pre-commit-config.yaml on all files
	@export $(LINT_ENV); git rev-parse --git-dir >/dev/null 2>&1 || \
	  { export GIT_DIR='$(CURDIR)/.test/lint.git' GIT_WORK_TREE='$(CURDIR)'; mkdir -p .test; git init -q && git add -A; }; \
	  $(BIN)/prek run --all-files

test-fast: venv ## Run every test that needs no container engine
	@rm -rf $(CALLS)
	@PYTHONHASHSEED=$(or $(SHUFFLE),0) $(BIN)/pytest -q -n $(or $(WORKERS),auto) --dist loadscope \
	  --no-loadscope-reorder -m 'not engine and not last' --aws-calls=$(CALLS) $(and $(SHUFFLE),--shuffle=$(SHUFFLE))
	@$(BIN)/pytest -q -m last --aws-calls=$(CALLS) tests/terraform/test_whole_suite.py

fuzz: venv ## Run the property tests with new examples, then test-fast in a random order (EXAMPLES=2000, SHUFFLE=)
	@EXAMPLES=$(EXAMPLES) $(BIN)/pytest -q -n $(or $(WORKERS),auto) --hypothesis-profile=explore \
	  -m 'hypothesis and not engine'
	@seed=$(or $(SHUFFLE),$(shell date +%s)); echo "test-fast in a random order: make test-fast SHUFFLE=$$seed"; \
	  $(MAKE) -s test-fast SHUFFLE=$$seed

test-oldest: venv ## Run the contract suite on the oldest Airflow; test-fast runs it on the newest stable one
	@$(BIN)/nox -s contract-2.11.2

test-matrix: venv ## Run the contract suite on every supported Airflow (RELEASE=3.0.6 runs one)
	@$(BIN)/nox $(and $(RELEASE),-s contract-$(RELEASE))

support: venv ## Run the contract suite on every release and write docs/support.md
	@SUPPORT=1 $(BIN)/nox
	@$(BIN)/python tests/support_table.py write $$(ls .nox/results-*.json | sort -V)

coverage: venv ## Measure the package's branch coverage, worker processes included; fails below 95 %
	@$(BIN)/coverage erase
	@$(BIN)/coverage run -m pytest -q -m 'not engine' $(MEASURED)
	@$(BIN)/coverage combine -q
	@$(BIN)/coverage report

mutate: venv ## Break the pure modules, one change at a time; a test must fail (SECONDS=600, MODULES="tasks.states")
	@PYTHONPATH=tests $(BIN)/python -m mutation $(and $(SECONDS),--seconds $(SECONDS)) $(MODULES)

example-dags: venv ## Run Airflow's example DAGs with LocalExecutor and ours: docs/example_dags.md (QUICK=1, ONLY=a,b, SECONDS=)
	@PYTHONPATH=tests $(BIN)/python -m example_dags $(if $(QUICK),--quick) $(and $(ONLY),--only $(ONLY)) \
	  $(and $(SECONDS),--seconds $(SECONDS))

test-boto3: venv ## Run the tests of AWS calls with the oldest allowed boto3 and the newest (BOTO3=oldest runs one)
	@$(BIN)/python tests/boto3_versions.py $(BOTO3)

test-engine: venv ## Run the tests that need a container engine; starts one if none answers
	@$(RUN_SMOKE) engine --if-possible -- $(BIN)/pytest -q -m engine

test-images: venv ## Build and test the worker image of every release on both bases (RELEASE=3.0.6, BASES=official)
	@$(RUN_SMOKE) engine --base -- env PYTHONPATH=tests:. $(BIN)/python tests/image/releases.py $(RELEASE) $(BASES)

image-figures: venv ## Compare the bytes that the worker image and the stock way add to a base (RELEASE=2.11.2)
	@$(RUN_SMOKE) engine --base -- env PYTHONPATH=tests:. $(BIN)/python tests/image/figures.py $(RELEASE)

# The images' tests run on the images that the smoke built.
WITH_ENGINE := smoke KEEP=0 OPTIONAL=--if-possible, test-engine IMAGE=$(or $(IMAGE),airflow-fargate/worker:smoke) \
  CONTROL_IMAGE=$(or $(CONTROL_IMAGE),airflow-fargate/control:smoke)
test: venv ## Run lint, test-fast, test-oldest, test-boto3 and, with a container engine, smoke and test-engine
	@PYTHONPATH=tests $(BIN)/python tests/run_steps.py 'lint, test-fast, test-oldest, test-boto3 BOTO3=oldest' \
	  $(if $(filter 0,$(SMOKE)),,'$(WITH_ENGINE)')

smoke: venv ## Run the whole loop on a local cloud: make up, dags, tasks in containers, faults, destroy
	@$(RUN_SMOKE) up $(OPTIONAL)

smoke-down: venv ## Take down what `make smoke KEEP=1` left running
	@$(RUN_SMOKE) down

bench: venv ## Benchmark our executor and the amazon provider's: docs/benchmarks.md (40 minutes; QUICK=1 runs ours, small)
	@PYTHONPATH=tests $(BIN)/python -m benchmarks $(if $(QUICK),--quick,--docs)

start-times: venv ## Measure container start to the task's first line at 2 to 0.25 vCPU (RUNS=5, IMAGE=, STOCK_IMAGE=)
	@$(if $(IMAGE),PYTHONPATH=tests,$(RUN_SMOKE) engine --base -- env PYTHONPATH=tests:.) \
	  $(BIN)/python -m benchmarks.start_times $(and $(IMAGE),--image $(IMAGE)) \
	  $(and $(STOCK_IMAGE),--stock-image $(STOCK_IMAGE)) $(and $(RUNS),--runs $(RUNS)) $(and $(CPUS),--cpus $(CPUS))

chaos: venv ## Run every known fault and random combinations: docs/chaos.md (SEED=, EXAMPLES=; ONLY=name writes no page)
	@PYTHONPATH=tests $(BIN)/python -m chaos $(and $(SEED),--seed $(SEED)) $(and $(EXAMPLES),--examples $(EXAMPLES)) \
	  $(if $(ONLY),--only '$(ONLY)',--docs)

soak: venv ## Check that memory stays flat over simulated days, and ten minutes at 20 launches a second (SECONDS=)
	@PYTHONPATH=tests $(BIN)/python -m soak $(and $(SECONDS),--seconds $(SECONDS))

cloud: venv ## Run the local cloud alone, for Terraform and boto3 (CLOUD_PORT, 4566 by default)
	@$(RUN_SMOKE) cloud

# Settings from make's command line alone: the environment may have a NAME or a PORT that means something else.
given = $(foreach name,$(1),$(if $(findstring command,$(origin $(name))),'$(name)=$($(name))'))
COMMAND = $(BIN)/python -m terraform.commands
IMAGES = EXTRA BASE_IMAGE PLATFORM COMPRESSION NETWORK REGISTRY

up: venv ## Deploy Airflow on ECS in an empty account, or update it (NAME=airflow REGION= SIZE=ha EXTRA=folder AUTO_APPROVE=1)
	@$(COMMAND) up $(call given,NAME REGION SIZE AUTO_APPROVE TERRAFORM_DIR $(IMAGES)) \
	  $(and $(AIRFLOW),AIRFLOW_VERSION=$(AIRFLOW))

open: venv ## Open a tunnel to its page, until Ctrl-C (PORT=8080)
	@$(COMMAND) open $(call given,PORT TERRAFORM_DIR)

password: venv ## Print the administrator's user and password
	@$(COMMAND) password $(call given,TERRAFORM_DIR)

dags: venv ## Upload a folder of DAGs; files that are not in it are deleted from the bucket (FROM=./dags)
	@$(COMMAND) dags $(call given,FROM TERRAFORM_DIR)

destroy: venv ## Delete a deployment, tasks first; asks for its name (SNAPSHOT=0 CONFIRM=name DRAIN=seconds TERRAFORM_DIR=)
	@$(COMMAND) destroy $(call given,SNAPSHOT CONFIRM DRAIN AUTO_APPROVE TERRAFORM_DIR)

build: ## Build an image: AIRFLOW=2.11.2, IMAGE=name:tag, BASE_IMAGE=..., PLATFORM=linux/arm64, KIND=control, EXTRA=folder
	@$(PYTHON) worker_image/build.py $(and $(AIRFLOW),AIRFLOW_VERSION=$(AIRFLOW)) \
	  $(and $(IMAGE),IMAGE=$(IMAGE)) $(and $(BASE_IMAGE),BASE_IMAGE=$(BASE_IMAGE))

push: ## Push the worker image; logs in to ECR if IMAGE is an ECR reference
	@$(PYTHON) worker_image/push.py $(and $(AIRFLOW),AIRFLOW_VERSION=$(AIRFLOW)) $(and $(IMAGE),IMAGE=$(IMAGE))

build-push: ## Build and push all images of the applied deployment (TERRAFORM_DIR=; PLATFORM=linux/amd64,linux/arm64 or COMPRESSION=zstd by buildx)
	@$(PYTHON) worker_image/images.py $(and $(AIRFLOW),AIRFLOW_VERSION=$(AIRFLOW)) \
	  $(and $(IMAGE),IMAGE=$(IMAGE)) $(and $(BASE_IMAGE),BASE_IMAGE=$(BASE_IMAGE))

sbom: ## List an image's packages and licences, and write CycloneDX documents (OUT=sbom, IMAGE=..., KIND=control)
	@$(PYTHON) worker_image/sbom.py $(and $(AIRFLOW),AIRFLOW_VERSION=$(AIRFLOW)) $(and $(IMAGE),IMAGE=$(IMAGE))

docs: venv ## Write the generated pages, build the documentation into site/, and check its links
	@$(PYTHON) tests/smoke/environment.py docs
	@PYTHONPATH=tests:. $(BIN)/python -m docs.generators
	@NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build --strict
	@echo "site/index.html"

release-check: venv ## Build what a release publishes into dist/, and check it (TAG=v0.1.0); publishes nothing
	@$(PYTHON) tests/smoke/environment.py release
	@$(BIN)/python tests/release_check.py $(TAG)

lock: venv ## Update the locks in tests/requirements from their .in files
	@cd tests/requirements && for name in dev aws celery checkov docs pictures release; do ../../$(BIN)/uv pip compile -q --universal \
	  --python-version 3.10 --generate-hashes --no-emit-index-url --no-header --upgrade $$name.in -o $$name.txt; done; \
	for name in airflow-*.in; do ../../$(BIN)/uv pip compile -q --universal --generate-hashes --no-emit-index-url \
	  --no-emit-find-links --no-header --no-annotate --prerelease=if-necessary-or-explicit \
	  $$(sed -n 's/^# uv: //p' $$name) $$name -o $${name%.in}.txt; done

clean: ## Remove everything that was made here and in the cache folder
	@[ ! -x $(BIN)/python ] || { $(RUN_SMOKE) down; }
	@rm -rf $(VENV) .venv-* site .test .smoke .cloud .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@rm -rf "$${XDG_CACHE_HOME:-$$HOME/.cache}/airflow-fargate"
