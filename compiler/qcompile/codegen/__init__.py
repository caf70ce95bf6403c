"""From a dataflow graph to files: the top level, memories, the library's modules, benches and scripts."""
