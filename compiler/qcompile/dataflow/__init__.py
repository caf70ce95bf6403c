"""From integer graphs to streaming hardware: lowering to kernels, joining streams, timing, FIFO depths."""
