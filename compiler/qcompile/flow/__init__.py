"""The stages in order: the only place that knows all of them."""
