"""The ladder of proofs: integer graph against the original model, RTL against the integer graph (design 8)."""
