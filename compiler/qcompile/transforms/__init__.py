"""From the model's real arithmetic to integers, and from integers to cheaper integers."""
