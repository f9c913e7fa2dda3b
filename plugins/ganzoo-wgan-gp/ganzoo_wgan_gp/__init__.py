"""Wasserstein loss and gradient penalties for ganzoo."""
