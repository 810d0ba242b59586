# What a person does with a fresh clone. `make` alone lists it.
.DEFAULT_GOAL := help
.PHONY: help setup

help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Check the tools and put a Postgres with pgvector into .tools.
	@command -v cargo >/dev/null || { echo 'make setup: cargo is needed; install Rust from https://rustup.rs.' >&2; exit 1; }
	@command -v cc >/dev/null || { echo 'make setup: a C compiler is needed to link; install one (Debian, Ubuntu: apt-get install build-essential).' >&2; exit 1; }
	@command -v python3 >/dev/null || { echo 'make setup: python3 is needed for a download; install it (Debian, Ubuntu: apt-get install python3 python3-pip).' >&2; exit 1; }
	@deploy/dev/setup-postgres.sh
