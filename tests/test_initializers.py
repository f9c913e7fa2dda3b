"""Uniform and sparse weights, and biases from the marginals."""

import re

import keras
import numpy as np
import pytest
import scipy.special
import scipy.stats

from ganzoo.errors import ConfigurationError, DataError
from ganzoo.initializers import SparseNormal, logit_of_mean, uniform


def test_uniform_covers_its_range():
    keras.utils.set_random_seed(1)
    weights = uniform(0.05)((100, 200)).numpy().ravel()
    cdf = scipy.stats.uniform(-0.05, 0.1).cdf
    assert scipy.stats.kstest(weights, cdf).pvalue > 1e-3


def test_sparse_normal_gives_each_unit_its_number_of_weights():
    weights = SparseNormal(10, seed=3)((60, 500), "float64").numpy()
    nonzero = weights != 0
    assert np.all(nonzero.sum(axis=0) == 10)
    assert scipy.stats.kstest(weights[nonzero], "norm").pvalue > 1e-3
    # Every input is as likely as any other: 500 * 10 / 60 units each.
    assert scipy.stats.chisquare(nonzero.sum(axis=1)).pvalue > 1e-3
    assert len(np.unique(nonzero, axis=1).T) == 500  # No two units alike.


def test_sparse_normal_may_use_every_input():
    assert np.all(SparseNormal(4, seed=0)((4, 3)).numpy() != 0)


@pytest.mark.parametrize(
    "make", [lambda: uniform(0.1), lambda: SparseNormal(2)]
)
def test_the_global_seed_determines_weights(make):
    def draw(seed):
        keras.utils.set_random_seed(seed)
        return [make()((5, 4)).numpy() for _ in range(2)]

    first, second = draw(1)
    np.testing.assert_array_equal(draw(1), [first, second])
    assert np.any(first != second)  # Two layers are not alike.
    assert np.any(draw(2)[0] != first)


def test_sparse_normal_comes_back():
    initializer = SparseNormal(3)
    description = keras.initializers.serialize(initializer)
    again = keras.initializers.deserialize(description)
    np.testing.assert_array_equal(again((6, 2)), initializer((6, 2)))


def test_logit_of_mean_is_the_inverse_of_the_sigmoid():
    mean = np.array([[0.25, 0.5], [0.9, 1e-3]])
    logits = logit_of_mean(mean)
    np.testing.assert_allclose(logits[0], [-np.log(3), 0.0], rtol=1e-12)
    np.testing.assert_allclose(scipy.special.expit(logits), mean, rtol=1e-12)


def test_logit_of_mean_is_finite_where_a_pixel_never_changes():
    # pylearn2 clips the means to [1e-7, 1 - 1e-7].
    expected = np.log(1e-7 / (1 - 1e-7))
    np.testing.assert_allclose(
        logit_of_mean([0.0, 1.0]), [expected, -expected], rtol=1e-9
    )


@pytest.mark.parametrize(
    "call, error, message",
    [
        (
            lambda: SparseNormal(0),
            ConfigurationError,
            "`num_nonzero` must be a positive integer. Received: "
            "num_nonzero=0.",
        ),
        (
            lambda: SparseNormal(9)((8, 3)),
            ConfigurationError,
            "`num_nonzero` must not exceed the number of inputs. Received: "
            "num_nonzero=9, 8 inputs.",
        ),
        (
            lambda: logit_of_mean([-0.5, 0.25]),
            DataError,
            "Output biases from marginals need samples within [0, 1]. "
            "Received: means from -0.5 to 0.25. Choose another `output_bias`.",
        ),
        (
            lambda: logit_of_mean([np.nan]),
            DataError,
            "Output biases from marginals need samples within [0, 1]. "
            "Received: means from nan to nan. Choose another `output_bias`.",
        ),
    ],
)
def test_bad_values_are_refused(call, error, message):
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        call()
