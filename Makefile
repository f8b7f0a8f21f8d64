# The commands of this project. `make help` lists them; each one installs the system packages that it lacks.
SHELL := /bin/bash
SWIFT ?= swift
PYTHON ?= python3
PREFIX ?= /usr/local
DESTDIR ?=
# What `install` and `uninstall` copy and remove files with, such as sudo. Everything else runs as the user.
SUDO ?=

VERSION := $(shell sed -n 's/.*static let current = "\(.*\)"/\1/p' Sources/*/Version.swift)
ZOO := .build/release/zoo
DEMO := .build/demo
TRAIN_DEMO := .build/train-demo

# What `install` adds to the command: made from its own help, so that nothing generated is committed.
EXTRAS := .build/extras
FILES := bin/zoo share/man/man1/zoo.1 share/bash-completion/completions/zoo \
  share/zsh/site-functions/_zoo share/fish/vendor_completions.d/zoo.fish

.PHONY: build help version demo train-demo examples check-examples test test-reports bench fuzz format check-macos check-docs check-onnx check-coreml check-hub install install-files uninstall \
  release extras packages test-packages clean

build: packages ## Build the command as .build/release/zoo (the default)
	$(SWIFT) build -c release --product zoo

help: ## List these targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) \
	  | while IFS='|' read -r name text; do printf '  make %-12s %s\n' "$$name" "$$text"; done
	@echo
	@echo 'NO_INSTALL=1 reports missing system packages and stops instead of installing them.'

version: ## Print the version
	@echo $(VERSION)

demo: build ## Convert a weight file, verify and inspect the result, and classify pictures
	@mkdir -p $(DEMO)
	$(ZOO) convert Fixtures/digits/digits.h5 -o $(DEMO)/digits.zoo --force \
	  --preprocessing tf --labels Fixtures/digits/labels.txt
	$(ZOO) verify $(DEMO)/digits.zoo
	$(ZOO) inspect $(DEMO)/digits.zoo
	$(ZOO) predict $(DEMO)/digits.zoo Fixtures/digits/pictures/* --top 1

# The network has only ever seen digits. Earlier layers suit letters better than the last; both networks get the same.
TRAIN_DEMO_LAYERS := conv_pw_1_relu,conv_pw_3_relu,conv_pw_5_relu

train-demo: build ## Train a network for digits to tell letters apart, next to the same network untrained
	@rm -rf $(TRAIN_DEMO) && mkdir -p $(TRAIN_DEMO)
	$(SWIFT) Scripts/make-letters.swift $(TRAIN_DEMO)/letters 16
	@for name in digits digits-untrained; do \
	  $(ZOO) convert Fixtures/digits/$$name.h5 -o $(TRAIN_DEMO)/$$name.zoo --preprocessing tf --quiet; done
	$(ZOO) train $(TRAIN_DEMO)/letters --backbone $(TRAIN_DEMO)/digits.zoo --layer $(TRAIN_DEMO_LAYERS) \
	  -o $(TRAIN_DEMO)/letters.zoo --cache $(TRAIN_DEMO)/cache
	$(ZOO) train $(TRAIN_DEMO)/letters --backbone $(TRAIN_DEMO)/digits-untrained.zoo --layer $(TRAIN_DEMO_LAYERS) \
	  -o $(TRAIN_DEMO)/untrained.zoo --cache $(TRAIN_DEMO)/cache
	$(ZOO) predict $(TRAIN_DEMO)/letters.zoo $(TRAIN_DEMO)/letters/K/K-1.bmp $(TRAIN_DEMO)/letters/X/X-2.bmp --top 2

examples: packages ## Build the sample programs as .build/examples/debug/NAME
	$(SWIFT) build --package-path Examples --scratch-path .build/examples

check-examples: ## Type-check the sample programs against a release build that is there
	Scripts/check-examples.sh

# Tests of these modules run no kernels, or such as other tests run with each instruction set: those of conversions and
# of the command. agreeOnARM runs kernels of another machine.
ONCE := ZooSystem ZooTensor ZooGraph ZooModels ZooImages ZooWeightFiles ZooFormat ZooFetch ZooHTTP ZooReference ZooExport \
  ZooReports ZooData ZooConversion ZooTestSupport CommandLine

# Tests have `package` access and need no testable imports: without those, modules are compiled just as for the command,
# and only once.
TEST := $(SWIFT) test -c release --disable-testable-imports

# First with the best kernels that this machine has, then with each of the others.
FILTER ?=
test: test-packages ## Run all tests, those of kernels with each instruction set, and check the documentation (FILTER=suite for one alone)
ifdef FILTER
	$(TEST) --filter '$(FILTER)'
else
	$(TEST)
	Scripts/check-docs.sh release
	Scripts/check-examples.sh release
	@for kernels in $$($(ZOO) list --kernels | tail -n +2); do \
	  echo "ZOO_KERNELS=$$kernels $(TEST) --skip-build"; \
	  ZOO_KERNELS=$$kernels $(TEST) --skip-build $(ONCE:%=--skip '^%Tests\.') --skip agreeOnARM || exit 1; \
	done
endif

test-reports: test-packages ## Try every report in a browser, and leave the screenshots in .build/screenshots
	ZOO_BROWSER_TESTS=all ZOO_SCREENSHOTS=$(CURDIR)/.build/screenshots $(TEST) --filter BrowserTests

# Networks: those in MODELS, filled by `$(PYTHON) Scripts/engines.py prepare MODELS`, in turn with the engines that
# PYTHON has; without MODELS the published networks with random weights. Then conversion, compared with cp and, where
# PYTHON has them, h5py and safetensors.
MODELS ?=
bench: build ## Measure speed, memory and conversion (MODELS=folder to compare with other engines), or TRAINING=networks
	$(SWIFT) build -c release --product zoo-benchmarks
ifdef TRAINING
	$(PYTHON) Scripts/training_peers.py compare .build/release/zoo-benchmarks $(TRAINING)
else
	PYTHON=$(PYTHON) .build/release/zoo-benchmarks networks $(MODELS)
	PYTHON=$(PYTHON) .build/release/zoo-benchmarks conversion
endif

SECONDS ?= 300
fuzz: packages ## Feed damaged files to every parser for SECONDS seconds
	$(SWIFT) run -c release zoo-fuzz --seconds $(SECONDS)

format: ## Format all Swift sources
	$(SWIFT) format --in-place --recursive --parallel Package.swift Sources Tests zoo Scripts Examples

check-macos: ## Compile the C sources for macOS on arm64
	Scripts/check-macos.sh

check-docs: ## Build the library's documentation and fail on warnings
	Scripts/check-docs.sh

# PYTHON needs onnx, onnxruntime and numpy; MODELS adds models with recorded inputs and outputs.
ONNX := .build/onnx

check-onnx: build test-packages ## Export networks as ONNX, check them and run them in ONNX Runtime (MODELS=folder for others)
	@rm -rf $(ONNX) && mkdir -p $(ONNX)
	ZOO_ONNX_NETWORKS=$(CURDIR)/$(ONNX) $(TEST) --filter 'ONNX(Network|Layer)Tests'
	$(PYTHON) Scripts/check_onnx.py $(ZOO) $(ONNX) $(MODELS)

# PYTHON needs coremltools, torch and numpy; MODELS adds .zoo files, and models with recorded inputs and outputs.
COREML := .build/coreml

check-coreml: build test-packages ## Export networks for Core ML, load them with coremltools and evaluate them (MODELS=folder for others)
	@rm -rf $(COREML) && mkdir -p $(COREML)
	ZOO_COREML_NETWORKS=$(CURDIR)/$(COREML) $(TEST) --filter 'CoreML(Network|Layer)Tests'
	$(PYTHON) Scripts/check_coreml.py $(ZOO) $(COREML) $(MODELS)

# PYTHON needs huggingface_hub.
check-hub: build ## Check that zoo pull and the hub's own client find in their cache what the other has fetched
	$(PYTHON) Scripts/check_hub.py $(ZOO) Fixtures/pytorch/networks/resnet.safetensors

install: build ## Install the command, its man page and completions under PREFIX=/usr/local (SUDO=sudo for root)
	@$(MAKE) --no-print-directory install-files

uninstall: ## Remove what make install installed under PREFIX
	$(SUDO) rm -f $(FILES:%="$(DESTDIR)$(PREFIX)/%")
	@cd "$(DESTDIR)$(PREFIX)" 2>/dev/null && $(SUDO) rmdir -p $(dir $(FILES)) 2>/dev/null || true

release: packages ## Make an archive of the command that needs no Swift toolchain, with its SHA-256
	MAKE="$(MAKE)" SWIFT="$(SWIFT)" Scripts/make-release.sh $(VERSION)

packages: # Installs the system libraries that the package links, where they are missing
	@Scripts/install-packages.sh

test-packages:
	@Scripts/install-packages.sh --tests

clean: ## Remove all build products
	rm -rf .build

# Copies the command at ZOO and what is made from its help to PREFIX; builds nothing.
install-files: extras
	@for file in $(FILES); do $(SUDO) install -d "$(DESTDIR)$(PREFIX)/$$(dirname $$file)" || exit 1; done
	$(SUDO) install -m 755 $(ZOO) "$(DESTDIR)$(PREFIX)/bin/zoo"
	@for file in $(filter share/%,$(FILES)); do \
	  echo "install -m 644 $(EXTRAS)/$$file $(DESTDIR)$(PREFIX)/$$file"; \
	  $(SUDO) install -m 644 "$(EXTRAS)/$$file" "$(DESTDIR)$(PREFIX)/$$file" || exit 1; \
	done

extras:
	@mkdir -p $(addprefix $(EXTRAS)/,$(dir $(FILES)))
	@$(ZOO) --experimental-dump-help >$(EXTRAS)/help.json
	@$(SWIFT) Scripts/man-page.swift $(VERSION) <$(EXTRAS)/help.json >$(EXTRAS)/share/man/man1/zoo.1
	@$(ZOO) --generate-completion-script bash >$(EXTRAS)/share/bash-completion/completions/zoo
	@$(ZOO) --generate-completion-script zsh >$(EXTRAS)/share/zsh/site-functions/_zoo
	@$(ZOO) --generate-completion-script fish >$(EXTRAS)/share/fish/vendor_completions.d/zoo.fish
