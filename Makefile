# The two commands a newcomer needs: `make demo` and `make test`. Both install what they need themselves.
.PHONY: demo demo-lm demo-embeddings retention test runtime dependency arm load page torture fuzz sanitize field benchmark benchmark-runtime same-bits gpu lint docs build clean help
.DEFAULT_GOAL := help

help:
	@echo "make demo          set up, then fine-tune a teacher, distill two students, evaluate them (QUICK=1: a short run)"
	@echo "make demo-lm       make a language model smaller: SmolLM2-135M-Instruct, 30 minutes (QUICK=1: 3)"
	@echo "make demo-embeddings  make sentence embeddings smaller: all-MiniLM-L6-v2, 10 minutes (QUICK=1: 2)"
	@echo "make retention     how much of its teacher's accuracy a language model of 65 % of the parameters keeps, 2 hours"
	@echo "make test          set up, then run every test"
	@echo "make runtime       build what runs students without libtorch: runtime/bin/distill-run, runtime/lib/libdistill.a, distill.h"
	@echo "make arm           test the kernels by themselves: on this processor's instruction sets, and on ARM's under emulation"
	@echo "make dependency    build a small package that depends on this one by version, for the runtime alone, and use it"
	@echo "make load          measure the server against FastAPI with ONNX Runtime, overload it, let it run (MINUTES=30)"
	@echo "make page          try the server's page in Debian's chromium, and take its picture"
	@echo "make field         try the built program on killed processes, full disks and the like (CASES=\"DIR …\": further cases)"
	@echo "make torture       kill and hinder runs at random: nothing may be lost (MINUTES=60 KILLS=50 FAULTS=200 SOAK=100000 SEED=…)"
	@echo "make fuzz          feed every parser inputs that coverage guides, under the address sanitizer (RUNS=1000000 SECONDS=300)"
	@echo "make sanitize      the tests under the address and undefined behavior sanitizers, then the thread sanitizer"
	@echo "                   (SANITIZERS=thread SUITES=\"TorchTests|GGUFTests\")"
	@echo "make benchmark     set up, then measure against PyTorch, ONNX Runtime and tokenizers"
	@echo "make benchmark-runtime  measure the runtime without libtorch against ONNX Runtime, OpenVINO and CTranslate2 (ROUNDS=9, QUICK=1)"
	@echo "make same-bits     the same commands hundreds of times: every run must give the same bits (RUNS=200 LEVELS=all)"
	@echo "make gpu           make a bundle that checks and measures a machine with a GPU (docs/gpu.md)"
	@echo "make lint          check the formatting, and that files and functions stay small"
	@echo "make docs          build the documentation"
	@echo "make build         set up, then build .build/release/distill, distill-hub, which downloads, and distill-serve,"
	@echo "                   the HTTP server (PARQUET=1: with Parquet files)"
	@echo "make clean         remove what was built, keep what was downloaded"

demo:
	@QUICK="$(QUICK)" scripts/demo.sh

demo-lm:
	@QUICK="$(QUICK)" scripts/demo_lm.sh

demo-embeddings:
	@QUICK="$(QUICK)" scripts/demo_embeddings.sh

retention:
	@scripts/retention.sh

test:
	@scripts/test.sh

runtime:
	@scripts/runtime.sh

arm:
	@scripts/arm.sh --install

dependency:
	@Tests/dependency_test.sh

load:
	@scripts/load.sh --write $(if $(MINUTES),--minutes $(MINUTES))

page:
	@scripts/page.sh

field:
	@scripts/field.sh $(CASES)

torture:
	@scripts/bootstrap.sh
	@python3 scripts/demo_data.py
	swift build -c release --product distill
	python3 scripts/torture/torture.py --program .build/release/distill --model .demo/all-MiniLM-L6-v2 \
		$(if $(MINUTES),--minutes $(MINUTES)) $(if $(KILLS),--kills $(KILLS)) $(if $(FAULTS),--faults $(FAULTS)) \
		$(if $(SOAK),--soak $(SOAK)) $(if $(SEED),--seed $(SEED))

fuzz:
	@scripts/fuzz.sh $(if $(RUNS),--runs $(RUNS)) $(if $(SECONDS),--seconds $(SECONDS)) $(SUBJECTS)

sanitize:
	@for kind in $(or $(SANITIZERS),address thread); do scripts/sanitize.sh $$kind $(if $(SUITES),"$(SUITES)") || exit 1; done

benchmark:
	@scripts/benchmark.sh

benchmark-runtime:
	@scripts/benchmark_runtime.sh

gpu:
	@scripts/gpu.sh

same-bits:
	@scripts/bootstrap.sh
	@python3 scripts/demo_data.py
	swift build -c release --product distill
	python3 scripts/same_bits.py $(if $(RUNS),--runs $(RUNS)) $(if $(LEVELS),--levels $(LEVELS))

lint:
	swift format lint --strict --recursive --parallel Sources Tests Fuzz Benchmarks Package.swift
	python3 scripts/sizes.py

docs:
	@scripts/docs.sh

build:
	@scripts/bootstrap.sh
	$(if $(PARQUET),@scripts/parquet.sh)
	swift build -c release --product distill $(if $(PARQUET),--traits Parquet)
	swift build -c release --product distill-hub $(if $(PARQUET),--traits Parquet)
	swift build -c release --product distill-serve $(if $(PARQUET),--traits Parquet)

clean:
	rm -rf .build demo-output
