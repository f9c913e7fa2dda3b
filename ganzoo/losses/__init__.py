"""Built-in losses, reached through `ganzoo.losses`."""
