"""Built-in discriminators, reached through `ganzoo.discriminators`."""
