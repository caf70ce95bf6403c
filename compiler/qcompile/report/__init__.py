"""What was built, as data: the contents of report.json, in plain types only."""
