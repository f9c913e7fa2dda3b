"""Figure 1 of Goodfellow et al. 2014: a game on the line, at several steps."""

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from ganzoo.gan import Gan
from ganzoo.pictures.curves import Drawn, spread
from ganzoo.sampling import Sampler
from ganzoo.storage import checkpoint_files
from ganzoo.storage.checkpoints import Checkpoints, arrays, state
from ganzoo.storage.run_directory import RunDirectory

_MAX_PANELS = 5
_NUM_SAMPLES = 20_000
_NUM_ARROWS = 15


def density_figure(gan: Gan, dataset: Any, run: RunDirectory) -> Drawn:
    """Both densities, D, and the map from z, at the checkpoints that are kept.

    Args:
        gan: The game, of one number a sample; unchanged afterwards.
        dataset: Of a density known in closed form.
        run: Where its checkpoints are.

    Returns:
        The figure, its title and its caption.
    """
    checkpoints = Checkpoints(run.path / "checkpoints")
    steps = spread(checkpoints.steps(), _MAX_PANELS) or [int(gan.step.numpy())]
    means, scale = np.asarray(dataset.means), dataset.scale
    x = np.linspace(means.min() - 4 * scale, means.max() + 4 * scale, 300)
    data = np.exp(np.asarray(dataset.log_density(x[:, None])))
    figure = Figure(
        figsize=(2.4 * len(steps), 3.6), dpi=100, layout="constrained"
    )
    panels = figure.subplots(
        2, len(steps), squeeze=False, sharex=True, height_ratios=(3, 1)
    )
    for column, step in enumerate(steps):
        with _at_step(gan, checkpoints, step):
            sampler = Sampler(gan)
            latents = np.asarray(sampler.draw_latents(_NUM_SAMPLES, 0))
            samples = sampler.generate(latents)[:, 0]
            logits = sampler.discriminate(x[:, None])
        upper, lower = panels[:, column]
        upper.plot(x, data, "k:", label="data density")
        _draw_density(upper, samples, x)
        upper.plot(x, 1 / (1 + np.exp(-logits)), "b--", label="D(x)")
        upper.set(title=f"step {step:,}")
        _draw_map(lower, latents[:, 0], samples, x)
    handles, labels = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3)
    return (
        figure,
        "Densities, the discriminator, and the map from z",
        "Above: density of the data (dotted), of the samples (solid) and D(x) "
        "(dashed). Below: where z goes (paper, Figure 1). Raw weights, at the "
        "checkpoints that are kept.",
    )


def _draw_density(axes: Any, samples: np.ndarray, x: np.ndarray) -> None:
    bins = np.linspace(x[0], x[-1], 81)
    # Not `density=True`: samples outside of the picture count too.
    share = 1 / len(samples) / (bins[1] - bins[0])
    weights = np.full(len(samples), share)
    axes.hist(
        samples,
        bins,
        weights=weights,
        histtype="step",
        color="green",
        label="model density",
    )


def _draw_map(
    axes: Any, latents: np.ndarray, samples: np.ndarray, x: np.ndarray
) -> None:
    """Lines from some of z, stretched to the axis, to where G sends them."""
    low, high = latents.min(), latents.max()
    for z in np.linspace(low, high, _NUM_ARROWS):
        nearest = np.abs(latents - z).argmin()
        place = x[0] + (z - low) / (high - low) * (x[-1] - x[0])
        axes.plot([place, samples[nearest]], [0, 1], "k-", linewidth=0.6)
    axes.set(yticks=[0, 1], yticklabels=["z", "x"], xlim=(x[0], x[-1]))


@contextlib.contextmanager
def _at_step(gan: Gan, checkpoints: Checkpoints, step: int) -> Iterator[None]:
    """The game as it was at a checkpoint; afterwards as it is."""
    if step == int(gan.step.numpy()):
        yield
        return
    now, variables = arrays(gan), state(gan)
    then, _ = checkpoint_files.read(checkpoints.path(step))
    try:
        for name, variable in variables.items():
            variable.assign(then[name])
        yield
    finally:
        for name, variable in variables.items():
            variable.assign(now[name])
