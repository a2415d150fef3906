# What a developer runs. CI runs `make test` and nothing else.
CARGO ?= cargo

.PHONY: test format lint suites generate bench fuzz

test: format lint suites ## Everything that must hold before a change lands

format:
	$(CARGO) fmt --check

lint:
	$(CARGO) clippy --all-targets --locked -- -D warnings

suites:
	tests/require.sh
	tests/control-plane/install.sh >/dev/null
	$(CARGO) test --locked

generate: ## Rewrites generated and golden files
	UPDATE_GOLDEN=1 $(CARGO) test --locked --test hermetic

bench: ## Prints tables with ratios; gates nothing
	$(CARGO) bench --locked

fuzz: ## Runs every fuzz target for FUZZ_SECONDS (60); a finding fails
	tests/fuzz/run.sh
