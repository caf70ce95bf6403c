"""Every benchmark of this folder; options (those that all of them have) are handed on to each."""

import sys

import convolutional
import spine

BENCHMARKS = (spine, convolutional)

if __name__ == "__main__":
    sys.exit(max(benchmark.main() for benchmark in BENCHMARKS))
