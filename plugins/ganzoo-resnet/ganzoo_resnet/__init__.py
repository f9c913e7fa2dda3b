"""Residual networks with spectral normalisation for ganzoo."""
