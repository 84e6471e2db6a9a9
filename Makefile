# make test     everything that is checked, real Kafka and Redis included
# make demo     a simulated company in one process; flags in ARGS="--duration 20s"
# make build    bin/tidemark
# make bench    speed and size beside others, on a real Kafka and Redis; flags in ARGS="-only core"
# make model    every reachable state of the protocol, in 2 to 3 minutes
# make try       published data through everything, against their published figures
# make soak      crash schedules from seeds; N=1000 of them, SEED of the first
# make lint · make vet · make fmt · make vuln

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := build

# The modules besides the main one: heavy dependencies that only tests have.
CHECKS := internal/composecheck internal/sqloracle

# Two packages at a time: each may run a broker of its own, and crash tests on
# a machine where four brokers share two cores tell more about the machine.
PACKAGES := 2

# Generated histories that the core is held against the oracle with, and from
# which seed: make test SEED=7 takes others.
CASES := 3000
SEED := 1

.PHONY: bench build demo test need kafka fmt fmtcheck vet lint vuln model try soak

build:
	@[[ -e bin/tidemark ]] || echo "building bin/tidemark: the first time takes up to a minute"
	@go build -o bin/tidemark ./cmd/tidemark

demo: build
	@./bin/tidemark demo $(ARGS)

test: need kafka fmtcheck vet lint vuln
	go test -race -tags servers -p $(PACKAGES) -timeout 30m -skip TestEqualsOracle ./...
	@# The core has no goroutine: without -race its properties get ten times the cases.
	@echo "$(CASES) histories against the oracle, seed $(SEED)"
	go test ./aggregator -run TestEqualsOracle -timeout 30m -rapid.checks=$(CASES) -rapid.seed=$(SEED)
	@# What these read lies outside their module, where Go's test cache doesn't look.
	@for m in $(CHECKS); do (cd $$m && echo "$$m: go vet, go test" && go vet ./... && go test -count=1 ./...); done

# What the tests run, installed where we may.
need:
	@scripts/need

# The jars of a real Apache Kafka, for tests and benchmarks.
kafka: need
	@scripts/kafka-libs

fmt:
	gofmt -w .

fmtcheck:
	@out=$$(gofmt -l .); [[ -z $$out ]] || { echo "not formatted (make fmt):"; echo "$$out"; exit 1; }

vet:
	go vet -tags servers ./...

# The linter's first build takes a minute or two.
build/bin/tools: tools/go.mod tools/go.sum
	@echo "building the tools that tools/go.mod names"
	@go build -C tools -o ../build/bin/ tool
	@touch $@

lint: build/bin/tools
	build/bin/golangci-lint run

vuln: build/bin/tools
	@scripts/vuln

# docs/performance.md explains what is measured.
bench: need kafka
	go run ./bench $(ARGS)

# Every reachable state of the protocol that docs/protocol.md describes.
model:
	go run ./internal/protocolmodel

# Published data sets through a real Kafka and Redis: DATA=folder, default ../shared/data.
try: kafka
	go run ./internal/try $(if $(DATA),-data $(DATA))

# Schedules of kills, pauses, rebalances and restarts, each from a printed seed.
soak: kafka
	go run ./internal/crash -n $(or $(N),20) $(if $(SEED),-seed $(SEED))
