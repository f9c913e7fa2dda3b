"""Built-in evaluators, reached through the entry-point group `ganzoo.evaluators`."""
