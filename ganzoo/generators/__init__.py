"""Built-in generators, reached through `ganzoo.generators`."""
