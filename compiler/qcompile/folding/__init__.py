"""Choosing how much of each kernel works in parallel: by hand (folding JSON) or by search."""
