"""Where weights start: uniform, sparse, and the marginals of the data.

`keras.utils.set_random_seed` determines all of it.
"""

import random
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from ganzoo.errors import ConfigurationError, DataError


def uniform(init_range: float) -> keras.initializers.Initializer:
    """A new initializer U(-init_range, init_range): pylearn2's `irange`.

    Every layer needs one of its own: a Keras initializer that is used twice
    yields the same numbers twice.
    """
    return keras.initializers.RandomUniform(-init_range, init_range)


@keras.saving.register_keras_serializable("ganzoo")
class SparseNormal(keras.initializers.Initializer):
    """N(0, 1) weights into each unit from a few inputs, zeros from the others.

    pylearn2's `sparse_init`, after Martens 2010, "Deep learning via
    Hessian-free optimization": the inputs are drawn without replacement.

    Args:
        num_nonzero: Weights into each unit that are not zero.
        seed: int. None: drawn by Python's `random`, as Keras' own are.

    Returns, called with the shape (in, units): float [in, units].

    Raises:
        ConfigurationError: If `num_nonzero` is not positive, or if there are
            fewer inputs than that.
    """

    def __init__(self, num_nonzero: int, seed: int | None = None):
        if not isinstance(num_nonzero, int) or num_nonzero < 1:
            raise ConfigurationError(
                "`num_nonzero` must be a positive integer. Received: "
                f"num_nonzero={num_nonzero!r}."
            )
        self.num_nonzero = num_nonzero
        self.seed = random.randrange(2**31) if seed is None else seed

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Any:
        num_inputs, num_units = shape
        if num_inputs < self.num_nonzero:
            raise ConfigurationError(
                "`num_nonzero` must not exceed the number of inputs. Received: "
                f"num_nonzero={self.num_nonzero}, {num_inputs} inputs."
            )
        generator = np.random.default_rng(self.seed)
        inputs = np.stack(
            [
                generator.choice(num_inputs, self.num_nonzero, replace=False)
                for _ in range(num_units)
            ],
            axis=1,
        )
        weights = np.zeros(shape)
        np.put_along_axis(
            weights, inputs, generator.standard_normal(inputs.shape), axis=0
        )
        return keras.ops.convert_to_tensor(weights, dtype=dtype)

    def get_config(self) -> dict[str, Any]:
        return {"num_nonzero": self.num_nonzero, "seed": self.seed}


def logit_of_mean(sample_mean: Any) -> np.ndarray:
    """The bias with which a sigmoid unit starts at the mean of its pixel.

    log m - log(1 - m), m clipped to [1e-7, 1 - 1e-7]: pylearn2's
    `init_bias_target_marginals`.

    Args:
        sample_mean: Float array of any shape, the mean training example.

    Returns:
        float64 array of the same shape.

    Raises:
        DataError: If a mean is not within [0, 1].
    """
    mean = np.asarray(sample_mean, np.float64)
    if not (mean.min() >= 0 and mean.max() <= 1):
        raise DataError(
            "Output biases from marginals need samples within [0, 1]. "
            f"Received: means from {mean.min():.6g} to {mean.max():.6g}. "
            "Choose another `output_bias`."
        )
    mean = np.clip(mean, 1e-7, 1 - 1e-7)
    return np.log(mean) - np.log1p(-mean)
