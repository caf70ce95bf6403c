"""Neurons as truth tables: which bits they read, what can reach them, and the smallest network of LUTs found."""
