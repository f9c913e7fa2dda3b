"""Built-in datasets: the entry-point group `ganzoo.datasets`."""
