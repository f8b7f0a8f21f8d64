# The commands of this project; each installs what it needs and is missing.
SHELL := /bin/bash
SWIFT ?= swift
PYTHON ?= python3
ZOO := .build/release/zoo
DEMO := .build/demo

.PHONY: build demo test bench fuzz format packages test-packages clean

build: packages
	$(SWIFT) build -c release --product zoo

# Converts a weight file, verifies and inspects the result, and predicts with it.
demo: build
	@mkdir -p $(DEMO)
	$(ZOO) convert Fixtures/digits/digits.h5 -o $(DEMO)/digits.zoo --force \
	  --preprocessing tf --labels Fixtures/digits/labels.txt
	$(ZOO) verify $(DEMO)/digits.zoo
	$(ZOO) inspect $(DEMO)/digits.zoo
	$(ZOO) predict $(DEMO)/digits.zoo Fixtures/digits/pictures/* --top 1

# The whole suite with the best kernels that the machine has, then with each of the others.
test: test-packages
	$(SWIFT) test -c release
	@for kernels in $$($(ZOO) list --kernels | tail -n +2); do \
	  echo "ZOO_KERNELS=$$kernels $(SWIFT) test -c release --skip-build"; \
	  ZOO_KERNELS=$$kernels $(SWIFT) test -c release --skip-build || exit 1; \
	done

# Times the networks in MODELS (which `$(PYTHON) Scripts/engines.py prepare MODELS` fills) in turn with the engines
# that PYTHON has; without MODELS the published networks with random weights. Then converting, against cp and,
# where PYTHON has h5py and safetensors, against these.
MODELS ?=
bench: build
	$(SWIFT) build -c release --product zoo-benchmarks
	PYTHON=$(PYTHON) .build/release/zoo-benchmarks networks $(MODELS)
	PYTHON=$(PYTHON) .build/release/zoo-benchmarks conversion

# Feeds every parser with damaged files for so many seconds; fails if one of them is not survived.
SECONDS ?= 300
fuzz: packages
	$(SWIFT) run -c release zoo-fuzz --seconds $(SECONDS)

format:
	$(SWIFT) format --in-place --recursive --parallel Package.swift Sources Tests zoo

# System libraries, by apt where it exists; says which are missing and installs them.
packages:
	@Scripts/install-packages.sh

test-packages:
	@Scripts/install-packages.sh --tests

clean:
	rm -rf .build
