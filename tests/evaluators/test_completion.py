import re

import numpy as np
import pytest

from ganzoo import masks
from ganzoo.datasets.digits import Digits
from ganzoo.datasets.masked import Masked
from ganzoo.errors import ConfigurationError, DataError
from ganzoo.evaluators.completion import Completion

DATA = Masked(Digits(value_range=(-1.0, 1.0)), masks.RightHalf())
NUM, COPIES = 30, 4


class Filler:
    """Fills the hidden part of copy i of each image with `values[i]`."""

    def __init__(self, values, visible_error=0.0):
        self.values = values
        self.visible_error = visible_error

    def sample(self, num, seed, condition):
        filling = np.tile(self.values, num // len(self.values))
        filling = filling.reshape(-1, 1, 1, 1).astype(np.float32)
        visible = condition["visible"] + self.visible_error
        yield np.where(condition["mask"] > 0, visible, filling)

    def discriminate(self, samples, condition):
        """1 for the originals' number of rows, else -1."""
        assert len(condition["mask"]) == len(samples)
        return np.full(len(samples), 1.0 if len(samples) == NUM else -1.0)


def scores(model):
    evaluator = Completion(num_images=NUM, num_completions=COPIES)
    found = list(evaluator.run(model, DATA))
    values = {name.removeprefix("completion_"): v for name, v, _ in found}
    return values, found[0][2]


def test_numbers_against_numpy():
    values, protocol = scores(Filler([-1.0, -0.5, 0.5, 1.0]))
    # In [0, 1] the fillings are 0, .25, .75 and 1.
    unit = np.array([0.0, 0.25, 0.75, 1.0])
    hidden = (Digits().examples("test")[:NUM, :, 4:]).astype(float)
    assert values["visible_error"] == 0.0
    assert values["diversity"] == pytest.approx(unit.std(ddof=1))
    errors = [np.mean((filling - hidden) ** 2) for filling in unit]
    assert values["error"] == pytest.approx(np.sqrt(np.mean(errors)))
    assert values["error_of_mean"] == pytest.approx(
        np.sqrt(np.mean((0.5 - hidden) ** 2))
    )
    assert values["verdict"] == pytest.approx(1 / (1 + np.e))
    assert protocol["verdict_on_originals"] == pytest.approx(
        1 / (1 + np.exp(-1.0))
    )
    assert protocol["hidden_share"] == 0.5
    train = Digits().examples("train").reshape(-1, 64).astype(float)
    first = np.array(Digits().examples("test")[:NUM], float)

    def median_distance(images):
        flat = images.reshape(NUM, 1, 64)
        return np.median(np.sqrt(((flat - train) ** 2).sum(2).min(1)))

    held_out = median_distance(first)
    first[:, :, 4:] = 0.0
    assert values["neighbor_ratio"] == pytest.approx(
        median_distance(first) / held_out
    )


def test_one_completion_for_all_z_and_a_visible_part_that_is_off():
    values, _ = scores(Filler([0.5], visible_error=-0.125))
    assert values["diversity"] == 0.0
    assert values["visible_error"] == 0.125


def test_data_without_a_mask_and_too_few_completions():
    message = (
        "`completion` needs masked images. Received: Digits, which hides "
        "nothing. Use it with `datasets.masked`."
    )
    for dataset in (Digits(), Digits(conditional=True)):
        with pytest.raises(DataError, match=re.escape(message)):
            list(Completion().run(Filler([0.0]), dataset))
    message = "`num_completions` must be at least 2. Received: "
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        Completion(num_completions=1)
