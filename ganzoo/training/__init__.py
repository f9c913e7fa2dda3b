"""The loop around the game, and what it stops for.

experiment  a run from its configuration: read this first
loop        steps, with stops where something is due
callbacks   what is printed, logged and drawn on the way
monitors    errors of D, spread of samples, norms of gradients
scoring     evaluators every so often, and the best checkpoint
saving      a checkpoint every so often, and the way back to it
divergence  a loss that is no number any more: the alarm
"""
