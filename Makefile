# What a developer runs. CI runs `make test` and nothing else.
CARGO ?= cargo
HELM ?= helm
INSTALL ?= target/install.yaml

.PHONY: test format lint suites test-archive test-gateways generate bench fuzz install.yaml image krew

test: format lint suites ## Everything that must hold before a change lands

format:
	$(CARGO) fmt --check

lint:
	$(CARGO) clippy --all-targets --locked -- -D warnings

suites: # the first run builds Kubernetes and a gateway, once: 20 minutes on 2 cores
	tests/require.sh
	tests/control-plane/install.sh >/dev/null
	tests/gateways/install.sh envoy envoy-gateway >/dev/null
	$(CARGO) test --locked

test-archive: ## The archive in a real S3 server with Object Lock; not in 'test', because its first build takes minutes
	tests/archive-server/install.sh >/dev/null
	$(CARGO) test --locked --test hermetic archive::s3 -- --ignored

test-gateways: ## The same case through Contour, which the first run builds: 4 minutes more
	tests/require.sh
	tests/control-plane/install.sh >/dev/null
	tests/gateways/install.sh envoy contour >/dev/null
	$(CARGO) test --locked --test cluster -- --include-ignored gateways::

generate: ## Rewrites generated and golden files
	UPDATE_GOLDEN=1 $(CARGO) test --locked --test hermetic

bench: ## Prints tables with ratios; gates nothing
	$(CARGO) bench --locked

fuzz: ## Runs every fuzz target for FUZZ_SECONDS (60); a finding fails
	tests/fuzz/run.sh

install.yaml: ## Renders both charts as one file, for 'kubectl apply --server-side -f'
	{ cat charts/namespace.yaml && for chart in datashare-crds datashare; do \
	  $(HELM) template $$chart charts/$$chart --namespace datashare-system --skip-tests || exit 1; \
	done; } >$(INSTALL).new
	mv $(INSTALL).new $(INSTALL)

image: ## Builds the container image, the same bytes from the same commit
	docker buildx build --tag datashare:$$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml) \
	  --build-arg SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) --output type=docker,rewrite-timestamp=true .

krew: ## Packs the kubectl plugin for this platform, with its krew manifest (BASE=where the archives will lie)
	$(CARGO) build --release --locked --bin datashare
	deploy/krew.sh target/krew $(BASE) linux/$(if $(filter aarch64 arm64,$(shell uname -m)),arm64,amd64)=target/release/datashare
