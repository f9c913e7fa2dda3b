"""Built-in discriminators, reached through the entry-point group `ganzoo.discriminators`."""
