"""Conformance of the kernel catalogue."""
