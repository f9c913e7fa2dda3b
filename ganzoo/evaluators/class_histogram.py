"""How samples spread over the classes of a data set with labels."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from ganzoo.evaluators.samples import draw_samples

# Less than this share of the data's entropy of classes is called a collapse.
_COLLAPSED = 0.7


def class_histogram(
    model: Any,
    dataset: Any,
    extractor: Any,
    num_samples: int,
    min_share: float,
    seed: int,
) -> Iterator[tuple[str, float, dict[str, Any]]]:
    """Classes of samples, as a classifier sees them.

    Args:
        model: The source of samples.
        dataset: Has `num_classes` and `labels("train")`.
        extractor: Whose map classifies, see `ganzoo.features`.
        num_samples: Samples to draw.
        min_share: A class is found if this share of samples is of it.
        seed: Of the samples.

    Yields:
        (name, value, protocol) of
            classes_found          number of classes
            class_entropy          of the histogram of samples, in nats
            class_kl_divergence    KL(samples || training labels) in nats
            class_mean_confidence  mean of the largest probability
        The protocol holds the histogram and what the classifier is.
    """
    samples = draw_samples(model, dataset, num_samples, seed)
    feature_map = extractor.fit(dataset)
    probabilities = np.asarray(feature_map.probabilities(samples), np.float64)
    num_classes = dataset.num_classes
    counts = np.bincount(probabilities.argmax(axis=1), minlength=num_classes)
    shares = counts / len(samples)
    labels = np.asarray(dataset.labels("train"))
    real_shares = np.bincount(labels, minlength=num_classes) / len(labels)
    entropy, real_entropy = _entropy(shares), _entropy(real_shares)
    protocol = {
        "num_samples": num_samples,
        "seed": seed,
        "min_share": min_share,
        "num_classes": num_classes,
        "features": feature_map.about,
        "histogram": shares.tolist(),
        "data_entropy": real_entropy,
        "outcomes": ["histogram"],
    }
    yield (
        "classes_found",
        float(np.sum(shares >= min_share)),
        {**protocol, "better": "higher"},
    )
    if entropy < _COLLAPSED * real_entropy:
        protocol["warnings"] = [
            f"Samples spread over classes with an entropy of {entropy:.2f} "
            f"nats, the data with {real_entropy:.2f}: modes are lost."
        ]
    yield "class_entropy", entropy, dict(protocol)
    protocol.pop("warnings", None)
    present = shares > 0
    # A class that the data lacks is an infinite divergence: no number.
    if np.all(real_shares[present] > 0):
        divergence = np.sum(
            shares[present] * np.log(shares[present] / real_shares[present])
        )
        yield (
            "class_kl_divergence",
            float(divergence),
            {**protocol, "better": "lower"},
        )
    yield (
        "class_mean_confidence",
        float(probabilities.max(axis=1).mean()),
        dict(protocol),
    )


def _entropy(shares: np.ndarray) -> float:
    present = shares[shares > 0]
    return float(-np.sum(present * np.log(present)))
