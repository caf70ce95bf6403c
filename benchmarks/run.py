"""Every benchmark of this folder; options are handed on to each."""

import sys

import spine

BENCHMARKS = (spine,)

if __name__ == "__main__":
    sys.exit(max(benchmark.main() for benchmark in BENCHMARKS))
