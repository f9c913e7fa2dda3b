import numpy as np
import pytest
import tensorflow as tf

from ganzoo import example_sets

NUM = 13


def numbered():
    """Samples [NUM, 2] that say which they are."""
    return np.stack([np.arange(NUM)] * 2, axis=1).astype(np.float32)


def stream():
    return tf.data.Dataset.from_tensor_slices(numbered())


@pytest.mark.parametrize("most", [None, 1, 6, 7, 13, 99])
@pytest.mark.parametrize("with_labels", [False, True])
@pytest.mark.parametrize("as_stream", [False, True])
def test_batches_of_samples(monkeypatch, as_stream, with_labels, most):
    monkeypatch.setattr(example_sets, "_BATCH_SIZE", 3)
    examples = (numbered(), np.arange(NUM)) if with_labels else numbered()
    if as_stream:
        examples = tf.data.Dataset.from_tensor_slices(examples)
    batches = list(example_sets.sample_batches(examples, most))
    assert {len(batch) for batch in batches[:-1]} <= {3}
    np.testing.assert_array_equal(np.concatenate(batches), numbered()[:most])


def test_numbers_of_examples():
    samples = numbered()
    unknown = stream().filter(lambda x: x[0] < 5.0)
    assert example_sets.num_examples(samples) == NUM
    assert example_sets.num_examples((samples, samples)) == NUM
    assert example_sets.num_examples(stream()) == NUM
    assert example_sets.num_examples(unknown) == 5


def test_sample_mean_is_computed_in_float64():
    samples = np.random.default_rng(0).random((3000, 4, 2), np.float32) + 1000
    expected = samples.astype(np.float64).mean(axis=0)
    labels = np.arange(3000)
    slices = tf.data.Dataset.from_tensor_slices
    for examples in (
        samples,
        (samples, labels),
        slices(samples),
        slices((samples, labels)),
    ):
        mean = example_sets.sample_mean(examples)
        assert mean.dtype == np.float64
        np.testing.assert_allclose(mean, expected, rtol=1e-12)


def test_first_examples():
    samples, labels = numbered(), np.arange(NUM)
    slices = tf.data.Dataset.from_tensor_slices
    for examples in ((samples, labels), slices((samples, labels))):
        first, condition = example_sets.first_examples(examples, 4)
        np.testing.assert_array_equal(first, samples[:4])
        np.testing.assert_array_equal(condition, labels[:4])
    for examples in (samples, slices(samples)):
        first, condition = example_sets.first_examples(examples, 99)
        np.testing.assert_array_equal(first, samples)
        assert condition is None


def test_condition_spec():
    condition = {"mask": np.zeros([NUM, 3, 2]), "label": np.arange(NUM)}
    examples = (numbered(), condition)
    for source in (examples, tf.data.Dataset.from_tensor_slices(examples)):
        spec = example_sets.condition_spec(source)
        assert spec["mask"].shape == (None, 3, 2)
        assert spec["mask"].dtype == "float64"
        assert spec["label"].shape == (None,)
        assert spec["label"].dtype == "int64"
    assert example_sets.condition_spec(numbered()) is None
    assert example_sets.condition_spec(stream()) is None
