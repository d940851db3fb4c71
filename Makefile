# kubepki's build. `make demo` and `make test` work on a bare machine that has Python 3.10+, Rust and a C compiler;
# what else they need they install into .venv, once, at the versions pinned in requirements/.
#
#   make demo          build, then make and check a cluster's PKI under ./demo
#   make demo-ansible  build, then make and check the PKI of five nodes by playbook under ./demo-ansible
#   make test          every linter and every test
#   make check         the same (the linters and tests one by one are the `check-*` targets)
#   make test-cluster  what is only believed on real kubeadm clusters: brings them up as namespaces of this machine (root, Go)
#   make test-cluster-binary what of that needs the stand-alone program, which it builds
#   make cluster-tools build Kubernetes and etcd for that, once, into ~/.cache/kubepki/cluster
#   make bench-restart measure on such a cluster how long each component is away when kubepki restarts it
#   make bench-rotation measure the same, and the time of each step, while all CAs of a cluster are replaced
#   make bench         measure kubepki beside openssl and pyca/cryptography: ratios, for docs/performance.md
#   make bench-ansible the same for a play over HOSTS (50) hosts, beside community.crypto; a quarter of an hour
#   make soak          judge KEYS (10000) RSA keys of each size by OpenSSL and GMP (RSA-4096: a twentieth); an hour
#   make leak-check    make RSA keys under valgrind
#   make secret-check  search for primes under valgrind, random bytes marked as secret: what branches follow them
#   make reference     write what is made of declarations: tables in docs/reference, the values in _core.pyi, the arguments of
#                      Python's functions
#   make pictures      make docs/images: what the page and the notebooks show in Chromium
#   make format        rewrite the sources as the formatters want them
#   make wheel         the abi3 manylinux2014 wheel and the sdist, in dist/
#   make test-wheel    install that wheel where there is no Rust, and run the demo from it; build the sdist
#   make wheel-aarch64 the wheel for AArch64; test-wheel-aarch64 tries it under emulation (Debian)
#   make binary        the stand-alone, static program for x86-64 with manual pages and completion, in dist/ as a folder and an archive
#   make test-binary   run it in an empty root folder, and the tests of the command line with it
#   make binary-aarch64 the same for AArch64; test-binary-aarch64 tries it under emulation (Debian)
#   make test-aarch64  make and test keys for AArch64, under emulation
#   make system-tools  install the programs that some tests compare with (Debian, root)
#   make clean         remove what was built

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

# rustup's own place, for a shell that has not read ~/.cargo/env.
export PATH := $(PATH):$(HOME)/.cargo/bin
PYTHON ?= python3
CARGO ?= cargo
VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/stamps

# The interpreter that the crate is built against: the venv's, whatever `python3` is elsewhere.
export PYO3_PYTHON := $(CURDIR)/$(BIN)/python
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# What is installed is built for the one, what is tested and linted for the other. With the same they share dependencies.
BUILD_PROFILE ?= release
TEST_PROFILE ?= dev

RUST_SOURCES := Cargo.toml Cargo.lock .cargo/config.toml $(shell find src templates -type f)
PACKAGE_SOURCES := $(RUST_SOURCES) pyproject.toml README.md LICENSE $(wildcard LICENSES/*) \
	$(shell find python -type f -not -name '*.so' -not -path '*/__pycache__/*')

CHECKS := check-format check-clippy check-rust check-rust-docs check-dependencies \
	check-python-lint check-python-types check-python-layers check-ansible-lint check-python

.PHONY: help demo demo-ansible test check $(CHECKS) check-ansible-sanity check-ansible-cores bench bench-ansible soak fuzz leak-check \
	secret-check test-aarch64 cluster-tools test-cluster test-cluster-binary bench-restart bench-rotation reference pictures format install wheel wheel-aarch64 test-wheel-aarch64 sdist test-wheel \
	binary binary-aarch64 test-binary test-binary-aarch64 system-tools clean

help:
	@sed -n '/^#   make/s/^# *//p' Makefile

demo: install
	PATH="$(CURDIR)/$(BIN):$$PATH" sh examples/demo.sh demo

demo-ansible: install
	PATH="$(CURDIR)/$(BIN):$$PATH" ansible-playbook --inventory examples/ansible/inventory.yml \
		--extra-vars "nodes_dir=$(CURDIR)/demo-ansible" examples/ansible/cluster.yml

test: check
	@echo "make test: all linters and tests passed"

check: $(CHECKS)

# ---- the virtual environment ---------------------------------------------------------------------------------

$(STAMPS)/venv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' \
		|| { echo "kubepki needs Python 3.10 or newer; name one with: make PYTHON=/path/to/python3 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null \
		|| { echo "$(PYTHON) cannot make virtual environments (on Debian: apt-get install python3-venv)" >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	mkdir -p $(STAMPS)
	touch $@

$(STAMPS)/develop: requirements/develop.txt $(STAMPS)/venv
	$(BIN)/python -m pip install --quiet --requirement $<
	touch $@

$(STAMPS)/wheel: requirements/wheel.txt $(STAMPS)/develop
	$(BIN)/python -m pip install --quiet --requirement $<
	touch $@

# The package, editable: Python changes count at once, Rust changes at the next make.
install: $(STAMPS)/package
$(STAMPS)/package: $(RUST_SOURCES) pyproject.toml $(STAMPS)/develop
	VIRTUAL_ENV="$(CURDIR)/$(VENV)" $(BIN)/maturin develop --profile $(BUILD_PROFILE)
	touch $@

# ---- Rust ----------------------------------------------------------------------------------------------------

check-format: $(STAMPS)/develop
	$(CARGO) fmt --check
	$(BIN)/ruff format --check .

check-clippy: $(STAMPS)/venv
	$(CARGO) clippy --locked --profile $(TEST_PROFILE) --all-targets --features cluster,python -- --deny warnings
	$(CARGO) clippy --locked --profile $(TEST_PROFILE) --lib --bins --features cluster,library-keygen -- --deny warnings

# A test program that contains pyo3 is linked with libpython; not every machine has that library for its python3. Without it the
# binding is tested through Python alone (check-python).
check-rust: $(STAMPS)/venv
	@folder="$$($(BIN)/python requirements/libpython_folder.py)"; \
	if [ -z "$$folder" ]; then \
		echo "the binding's own tests are skipped, as $(PYTHON) has no libpython to link with (on Debian: libpython3-dev)"; \
		set -x; $(CARGO) test --locked --profile $(TEST_PROFILE) --features cluster; \
	else \
		set -x; LD_LIBRARY_PATH="$$folder$${LD_LIBRARY_PATH:+:$$LD_LIBRARY_PATH}" \
			$(CARGO) test --locked --profile $(TEST_PROFILE) --features cluster,python; \
	fi

check-rust-docs: $(STAMPS)/venv
	RUSTDOCFLAGS="--deny warnings" $(CARGO) doc --locked --profile $(TEST_PROFILE) --no-deps --features cluster,python

# The advisory database is fetched from the network, so `cargo deny check advisories` is left to the person at hand.
check-dependencies:
	@if command -v cargo-deny >/dev/null; then \
		set -x; cargo-deny --offline --all-features check bans licenses sources; \
	else \
		echo "skipped: cargo deny check, as cargo-deny is not installed (cargo install cargo-deny)"; \
	fi

# ---- Python --------------------------------------------------------------------------------------------------

check-python-lint: $(STAMPS)/develop
	$(BIN)/ruff check .

check-python-types: $(STAMPS)/package
	$(BIN)/mypy
	$(BIN)/stubtest kubepki

check-python-layers: $(STAMPS)/package
	$(BIN)/lint-imports --no-logo

# Playbooks are minutes of all, and lie side by side: whoever has nothing left takes some of the others'.
PYTEST := $(BIN)/python -m pytest --numprocesses=auto --dist=worksteal

PYTHON_TESTS ?= not wheel and not cluster
check-python: $(STAMPS)/package
	$(PYTEST) -m "$(PYTHON_TESTS)" --durations=10
	@echo "skipped: the tests on real clusters (make test-cluster) and of the built wheel (make test-wheel)"

# ---- real clusters -------------------------------------------------------------------------------------------

# Each says all that the machine lacks: root, namespaces, Go, programs.
CLUSTER := cd tests/cluster && $(CURDIR)/$(BIN)/python

cluster-tools: $(STAMPS)/package
	$(CLUSTER) -m testbed.tools

# One after the other: the clusters are shared, and the kubelets need the processors.
CLUSTER_TESTS ?= cluster
test-cluster: cluster-tools
	$(BIN)/python -m pytest -m "$(CLUSTER_TESTS)" --durations=10 tests/cluster

# What needs the stand-alone program: an image of nothing else, a node that has no Python package.
test-cluster-binary: cluster-tools binary
	KUBEPKI="$(CURDIR)/$(BINARY)" $(BIN)/python -m pytest -m cluster \
		tests/cluster/test_watcher_in_the_cluster.py tests/cluster/test_program_alone.py

bench-restart: cluster-tools
	$(CLUSTER) bench_restart.py

bench-rotation: cluster-tools
	$(CLUSTER) bench_rotation.py

# ---- the Ansible collection ----------------------------------------------------------------------------------

COLLECTION := python/ansible_collections/kubepki/kubeadm
# ansible-lint and ansible-core keep what they unpack below this folder, not in the home of the person at hand.
ANSIBLE := PATH="$(CURDIR)/$(BIN):$$PATH" ANSIBLE_HOME="$(CURDIR)/$(VENV)/ansible"

check-ansible-lint: $(STAMPS)/package
	@if [ ! -x $(BIN)/ansible-lint ]; then \
		echo "skipped: ansible-lint, which wants Python 3.11 or newer"; \
	else \
		set -x; (cd $(COLLECTION) && $(ANSIBLE) ansible-lint --offline --strict --profile production .); \
		$(ANSIBLE) ansible-lint --offline --strict --profile production examples/ansible tests/ansible tests/cluster/plays; \
	fi

# All of `ansible-test sanity` that runs without containers: minutes when it is new, as each test installs its own tools.
check-ansible-sanity: $(STAMPS)/package
	$(BIN)/python tests/ansible/sanity.py $(CURDIR)/$(VENV)/ansible-test

# The collection's tests with the oldest and the newest ansible-core that is supported, each in an environment of its own.
check-ansible-cores: $(STAMPS)/package
	$(BIN)/python tests/ansible/cores.py $(VENV)/cores $(CORES_WORDS)

bench: export PATH := $(CURDIR)/$(BIN):$(PATH)
bench: $(STAMPS)/package
	$(BIN)/python -m pip install --quiet --requirement requirements/bench.txt
	$(BIN)/python tests/bench/bench_generate.py
	$(BIN)/python tests/bench/bench_renew.py
	$(BIN)/python tests/bench/bench_read.py
	$(BIN)/python tests/bench/bench_audit.py
	$(BIN)/python tests/bench/bench_values.py
	$(BIN)/python tests/bench/bench_sign.py
	$(BIN)/python tests/bench/bench_start.py
	PYTHON="$(CURDIR)/$(BIN)/python" $(CARGO) test --release --locked --test keygen measure -- --ignored --nocapture

# Minutes: a playbook each over so many hosts that are folders of this machine. community.crypto comes from PyPI, once.
HOSTS ?= 50
bench-ansible: $(STAMPS)/package
	$(BIN)/python tests/bench/bench_ansible.py $(HOSTS) $(VENV)/collections

KEYS ?= 10000
soak: $(STAMPS)/develop
	$(BIN)/python -m pip install --quiet --requirement requirements/soak.txt
	@folder="$$(mktemp -d)"; trap 'rm -rf "$$folder"' EXIT; mkfifo -m 600 "$$folder/keys"; \
	KUBEPKI_SOAK_KEYS=$(KEYS) KUBEPKI_SOAK_PIPE="$$folder/keys" \
		$(CARGO) test --release --locked --test keygen emit -- --ignored --exact & \
	$(BIN)/python tests/keygen/judge.py "$$folder/keys" && wait $$!

# The path of the test program of this name, from cargo's messages.
EXECUTABLE = sed -n 's/.*"executable":"\([^"]*\/$(1)-[^"]*\)".*/\1/p'

# What is leaked, and what is read before it is written, while keys of each size are made.
leak-check:
	$(CARGO) test --locked --test keygen --no-run
	program="$$($(CARGO) test --locked --test keygen --no-run --message-format=json 2>/dev/null | $(call EXECUTABLE,keygen))"; \
	valgrind --error-exitcode=1 --leak-check=full --show-leak-kinds=definite,indirect --errors-for-leak-kinds=definite \
		"$$program" --test-threads=1 --exact one_key_of_each_size

# Memcheck, with random bytes for what must not be read: it reports whatever follows a secret without being declassified.
# The second run must find its branch, or the first proves nothing. Optimised as a release is, but with symbols.
SECRET := target/secret
secret-check: export CARGO_PROFILE_RELEASE_STRIP := none
secret-check:
	mkdir -p $(SECRET)
	$(CC) -O2 -Wall -Wextra -Werror -fPIC -shared -o $(SECRET)/secret.so tests/keygen/secret.c
	$(CARGO) test --release --locked --lib --no-run --target-dir $(SECRET)
	program="$$($(CARGO) test --release --locked --lib --no-run --target-dir $(SECRET) --message-format=json 2>/dev/null \
		| $(call EXECUTABLE,kubepki))"; \
	follow() { LD_PRELOAD=$(SECRET)/secret.so valgrind --error-exitcode=1 --expensive-definedness-checks=yes \
		--suppressions=tests/keygen/secret.supp "$$program" --test-threads=1 --exact "key::prime::tests::$$@"; }; \
	follow two_primes_of_each_size_from_the_system; \
	if follow a_branch_on_a_secret --ignored >/dev/null 2>&1; then echo "the control was not found out" >&2; exit 1; fi

# The keys of AArch64, under emulation: needs rustup's target of that name, gcc-aarch64-linux-gnu and qemu-user-static.
# Two tests start themselves as a child, which the emulator does not follow.
ARM := aarch64-unknown-linux-gnu
test-aarch64: export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER := aarch64-linux-gnu-gcc
test-aarch64: export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER := qemu-aarch64-static -L /usr/aarch64-linux-gnu
test-aarch64: export CC_aarch64_unknown_linux_gnu := aarch64-linux-gnu-gcc
test-aarch64:
	$(CARGO) clippy --locked --target $(ARM) -- --deny warnings
	$(CARGO) test --locked --target $(ARM) --lib key::
	$(CARGO) test --locked --target $(ARM) --test keygen -- \
		--skip a_child_process_makes_its_own_keys --skip the_variable_selects_the_method

# What is read from outside must never make us panic: the same properties as in the tests, for longer.
CASES ?= 200000
fuzz:
	KUBEPKI_FUZZ_CASES=$(CASES) $(CARGO) test --release --locked --lib x509::request

# check-rust and check-python fail when they are stale.
reference: $(STAMPS)/package
	KUBEPKI_WRITE_REFERENCE=1 $(CARGO) test --locked --features cluster --test repository -- reference:: signatures::
	KUBEPKI_WRITE_REFERENCE=1 $(BIN)/python -m pytest -q tests/python/test_values.py tests/python/test_ansible_options.py -k "stub or written or made_of"

# What the guides show of the page and of notebooks; needs Chromium.
pictures: $(STAMPS)/package
	cd tests/python && $(CURDIR)/$(BIN)/python pictures.py

format: $(STAMPS)/develop
	$(CARGO) fmt
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

# ---- distribution --------------------------------------------------------------------------------------------

# Manual pages and completion, in folders as below /usr: for the wheel, which puts them below the environment, and beside the
# stand-alone program.
PAGES := python/kubepki.data/data/share
$(STAMPS)/pages: $(STAMPS)/package
	rm -rf $(PAGES)
	mkdir -p $(PAGES)/man/man1 $(PAGES)/bash-completion/completions $(PAGES)/zsh/site-functions \
		$(PAGES)/fish/vendor_completions.d
	for page in $$($(BIN)/kubepki manual); do $(BIN)/kubepki manual $$page > $(PAGES)/man/man1/$$page.1 || exit 1; done
	$(BIN)/kubepki completion bash > $(PAGES)/bash-completion/completions/kubepki
	$(BIN)/kubepki completion zsh > $(PAGES)/zsh/site-functions/_kubepki
	$(BIN)/kubepki completion fish > $(PAGES)/fish/vendor_completions.d/kubepki.fish
	touch $@

# zig is the C compiler and linker here: it can aim at an old glibc from any machine, so the wheel runs on every
# Linux from 2014 on. maturin refuses to write it when a newer symbol is needed.
wheel: $(STAMPS)/built-wheel
$(STAMPS)/built-wheel: $(PACKAGE_SOURCES) $(STAMPS)/wheel $(STAMPS)/pages
	rm -f dist/*.whl dist/kubepki-[0-9]*.tar.gz
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/maturin build --profile $(BUILD_PROFILE) --zig --compatibility manylinux2014 --out dist
	$(BIN)/maturin sdist --out dist
	$(BIN)/python requirements/executable_in_sdist.py dist/kubepki-[0-9]*.tar.gz
	touch $@

# Needs rustup's target of that name.
wheel-aarch64: $(STAMPS)/wheel $(STAMPS)/pages
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/maturin build --release --zig --compatibility manylinux2014 --target $(ARM) --out dist

test-wheel-aarch64: wheel-aarch64
	sh tests/aarch64/try_wheel.sh dist/kubepki-*-manylinux*aarch64.whl target/aarch64

test-wheel: wheel
	$(BIN)/python -m pytest -m wheel

# One file that needs nothing of the node, not even a C library: musl's is linked in, zig has it for every processor.
binary: dist/kubepki-x86_64-linux.tar.gz
binary-aarch64: dist/kubepki-aarch64-linux.tar.gz

PROGRAM = target/$(1)-unknown-linux-musl/$(BUILD_PROFILE)/kubepki
.PRECIOUS: $(call PROGRAM,%)
$(call PROGRAM,%): $(RUST_SOURCES) $(STAMPS)/wheel
	@test -d "$$(rustc --print sysroot)/lib/rustlib/$*-unknown-linux-musl" || { set -x; rustup target add $*-unknown-linux-musl; }
	PATH="$(CURDIR)/$(BIN):$$PATH" $(CARGO) zigbuild --profile $(BUILD_PROFILE) --locked --features cluster --bin kubepki --target $*-unknown-linux-musl
	touch $@

dist/kubepki-%-linux.tar.gz: $(call PROGRAM,%) LICENSE $(STAMPS)/pages
	rm -rf dist/kubepki-$*-linux
	mkdir -p dist/kubepki-$*-linux
	cp -r $< LICENSE $(PAGES) dist/kubepki-$*-linux/
	tar -C dist --sort=name --owner=0 --group=0 --numeric-owner -czf $@ kubepki-$*-linux

BINARY := dist/kubepki-x86_64-linux/kubepki
test-binary: binary $(STAMPS)/package
	sh tests/binary/try_binary.sh $(BINARY)
	KUBEPKI="$(CURDIR)/$(BINARY)" $(PYTEST) $(COMMAND_TESTS)

# What runs the command as a process, in a few minutes.
COMMAND_TESTS := $(wildcard tests/python/test_cli*.py) \
	$(addprefix tests/python/test_,ansible_install.py kubelet_csrs.py reference.py completion.py renew.py interrupted.py text.py)

test-binary-aarch64: binary-aarch64
	sh tests/binary/try_binary.sh dist/kubepki-aarch64-linux/kubepki qemu-aarch64-static

# ---- the machine ---------------------------------------------------------------------------------------------

# Some tests compare kubepki with these programs, and are skipped with a reason where one is missing; the second line is
# what real clusters need besides Go. program:Debian package
SYSTEM_TOOLS := chromium:chromium openssl:openssl etcd:etcd-server kubectl:kubernetes-client systemd-analyze:systemd \
	conntrack:conntrack containerd:containerd ethtool:ethtool ip:iproute2 iptables:iptables runc:runc socat:socat

# No service of theirs is started: the tests start their own.
system-tools:
	@missing=""; \
	for tool in $(SYSTEM_TOOLS); do \
		PATH="$$PATH:/usr/sbin:/sbin" command -v "$${tool%%:*}" >/dev/null || missing="$$missing $${tool##*:}"; \
	done; \
	if [ -n "$$missing" ]; then \
		policy=/usr/sbin/policy-rc.d; \
		if [ ! -e $$policy ]; then \
			trap "rm -f $$policy" EXIT; printf '#!/bin/sh\nexit 101\n' > $$policy; chmod 755 $$policy; \
		fi; \
		set -x; apt-get update -q; \
		DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -q -y --no-install-recommends $$missing; \
	fi

clean:
	rm -rf $(VENV) target dist demo demo-ansible
