"""qcompile: a compiler from quantised ONNX networks to FPGA accelerators."""

__version__ = "0.1.0"
