"""Every benchmark of this folder; options (those that all of them have) are handed on to each."""

import sys

import accumulators
import convolutional
import dialects
import lut
import spine

BENCHMARKS = (spine, convolutional, dialects, lut, accumulators)

if __name__ == "__main__":
    sys.exit(max(benchmark.main() for benchmark in BENCHMARKS))
