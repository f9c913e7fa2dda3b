"""Curves of a run: losses and monitors over steps, likelihood over sigma."""

import json
import pathlib

import numpy as np
from matplotlib.figure import Figure

from ganzoo.storage.run_directory import read_lines

# A figure, its title and its caption.
Drawn = tuple[Figure, str, str]

_NOT_CURVES = {"step", "epoch", "wall_time", "images_per_second"}
_GRADIENTS = "norm of gradient"


def loss_curves(path: pathlib.Path) -> Drawn | None:
    """Losses, D's errors and other monitors; None if nothing was logged."""
    lines = read_lines(path)
    names = [
        name
        for name in dict.fromkeys(k for line in lines for k in line)
        if name not in _NOT_CURVES
    ]
    if not names:
        return None
    groups = {
        "loss": [n for n in names if n.endswith("_loss")],
        "share of errors of D": [n for n in names if n.startswith("false_")],
        _GRADIENTS: [n for n in names if n.endswith("_gradient_norm")],
    }
    for name in names:
        if not any(name in group for group in groups.values()):
            # Of an evaluator: "<name>/raw" and "<name>/ema" in one panel.
            groups.setdefault(name.split("/")[0], []).append(name)
    panels = [
        (label.replace("_", " "), group)
        for label, group in groups.items()
        if group
    ]
    figure = Figure(
        figsize=(7, 1.9 * len(panels)), dpi=100, layout="constrained"
    )
    for axes, (title, group) in zip(
        figure.subplots(len(panels), 1, squeeze=False, sharex=True).ravel(),
        panels,
        strict=True,
    ):
        for name in group:
            points = [(x["step"], x[name]) for x in lines if name in x]
            label = name.split("/")[-1].replace("_", " ")
            axes.plot(*zip(*points, strict=True), label=label)
        axes.set_ylabel(title, wrap=True)
        if title == _GRADIENTS:
            axes.set_yscale("log")
        if len(group) > 1:
            axes.legend(fontsize=8)
    axes.set_xlabel("step")
    return (
        figure,
        "Losses and monitors",
        "Means between lines of the log. D errs on half of either side where "
        "it cannot tell them apart.",
    )


def sigma_curves(path: pathlib.Path) -> Drawn | None:
    """Validation log-likelihood over sigma; None if nobody measured it."""
    results = json.loads(path.read_text()) if path.exists() else []
    curves = {}
    for result in results:
        weights = result["protocol"].get("weights", "")
        curves[f"samples, {weights} weights"] = result["protocol"]
        for baseline in result.get("baselines", ()):
            curves[baseline["name"].replace("_", " ")] = baseline["protocol"]
    figure = Figure(figsize=(6, 3.6), dpi=100, layout="constrained")
    axes = figure.add_subplot()
    lowest = np.inf
    for label, protocol in curves.items():
        # With folds, one curve for each: the first stands for all.
        curve = np.array(protocol.get("validation_curve", ()))
        curve = curve[0] if curve.ndim == 3 else curve
        if len(curve) > 1:
            axes.plot(curve[:, 0], curve[:, 1], "o-", markersize=3, label=label)
            lowest = min(lowest, curve[:, 1].max())
    if lowest == np.inf:
        return None
    top = axes.get_ylim()[1]
    # Far below the best sigmas, likelihoods fall without end.
    axes.set(
        xscale="log",
        xlabel="sigma",
        ylabel="log-likelihood of validation set",
        ylim=(lowest - 2 * max(abs(top), abs(lowest), 1.0), top),
    )
    axes.legend(fontsize=8)
    return (
        figure,
        "How the width of the Parzen window was chosen",
        "Mean log-likelihood of the validation set in nats; its maximum "
        "chooses sigma. A maximum at either end asks for a wider grid.",
    )


def spread(items: list, num: int) -> list:
    """At most `num` of the items, evenly spaced, first and last included."""
    if len(items) <= num:
        return items
    return [items[i] for i in np.linspace(0, len(items) - 1, num).astype(int)]
