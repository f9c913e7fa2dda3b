"""Built-in datasets, reached through the entry-point group `ganzoo.datasets`."""
