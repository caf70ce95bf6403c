"""ONNX in: files to tensor graphs, the original model as executable reference, and the integer graph back to ONNX."""
