"""Built-in losses, reached through the entry-point group `ganzoo.losses`."""
