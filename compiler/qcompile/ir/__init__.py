"""The types every stage speaks: integers and ranges, tensor graphs, dataflow graphs, designs, errors."""
