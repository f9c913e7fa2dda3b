"""Built-in generators, reached through the entry-point group `ganzoo.generators`."""
