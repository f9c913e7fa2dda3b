"""Built-in evaluators: the entry-point group `ganzoo.evaluators`."""
