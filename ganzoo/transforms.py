"""What D sees: transforms `(samples, draws)` of real and fake samples alike.

A transform takes and gives [B, *sample_shape]. It is a pure function of the
numbers that `draws` gives, row i for sample i, and differentiable, for G learns
through it. Only a D that trains sees transformed samples: figures, evaluators
and exports do not; penalties of a loss are charged where D looked.

One that has a method `for_data(sample_shape, value_range)` is asked for what to
call in its place once these are known.
"""

from collections.abc import Callable, Sequence

import keras
import tensorflow as tf

from ganzoo.errors import ConfigurationError, did_you_mean
from ganzoo.interfaces import Transform
from ganzoo.randomness import Draws, num_rows

# Of a norm that something is divided by.
_LEAST_NORM = 1e-12


class Noise:
    """Gaussian noise on everything that D sees: the 2014 code's `noise_both`.

    x + stddev n, n ~ N(0, 1) for each number of each sample; called instance
    noise since Sonderby et al. 2017, https://arxiv.org/abs/1610.04490.

    Args:
        stddev: Standard deviation in units of samples, or a schedule of it: a
            function of the step, such as `@optimizers.linear_ramp()`.

    Raises:
        ConfigurationError: If `stddev` is negative.
    """

    def __init__(self, stddev: float | Callable = 0.1):
        if not callable(stddev) and not stddev >= 0:
            raise ConfigurationError(
                "`stddev` must be a schedule or a number that is not negative. "
                f"Received: stddev={stddev!r}."
            )
        self.stddev = stddev

    def __call__(self, samples: tf.Tensor, draws: Draws) -> tf.Tensor:
        """[B, ...] -> [B, ...]."""
        stddev = self.stddev
        if callable(stddev):
            stddev = tf.cast(stddev(draws.step), samples.dtype)
        noise = draws.normal([num_rows(samples), *samples.shape[1:]])
        return samples + stddev * tf.cast(noise, samples.dtype)


class EnlargeGradients:
    """Gradients into G made larger where they vanish: `scale_grads` of 2014.

    Samples pass unchanged. On the way back, all gradients are multiplied with
    max(1, target_scale / |g|), g the gradient of G's cost by all samples of the
    global batch: what stands after this one among the transforms is in g. Of
    micro-batches, each has its own.

    Args:
        target_scale: Least norm of g.

    Raises:
        ConfigurationError: If `target_scale` is not positive, or if the dtype
            policy is mixed_float16, whose loss scale would be in g.
    """

    def __init__(self, target_scale: float = 0.1):
        if not target_scale > 0:
            raise ConfigurationError(
                "`target_scale` must be positive. Received: "
                f"target_scale={target_scale!r}."
            )
        self.target_scale = target_scale

    def __call__(self, samples: tf.Tensor, draws: Draws) -> tf.Tensor:
        """[B, ...] -> the same."""
        if keras.config.dtype_policy().compute_dtype == "float16":
            raise ConfigurationError(
                "`transforms.enlarge_gradients` cannot tell small gradients "
                "from scaled ones. Received: dtype_policy='mixed_float16'. Use "
                "'mixed_bfloat16' or 'float32'."
            )

        @tf.custom_gradient
        def enlarge(samples: tf.Tensor) -> tuple[tf.Tensor, Callable]:
            return tf.identity(samples), self._enlarged

        return enlarge(samples)

    def _enlarged(self, gradient: tf.Tensor) -> tf.Tensor:
        square = tf.reduce_sum(tf.square(gradient))
        context = tf.distribute.get_replica_context()
        if context.num_replicas_in_sync > 1:
            square = context.all_reduce(tf.distribute.ReduceOp.SUM, square)
        norm = tf.maximum(tf.sqrt(square), _LEAST_NORM)
        least = tf.ones([], gradient.dtype)
        return gradient * tf.maximum(least, self.target_scale / norm)


class DiffAugment:
    """Differentiable augmentation, for a G that learns from few images.

    Zhao et al. 2020, "Differentiable augmentation for data-efficient GAN
    training", https://arxiv.org/abs/2006.10738, with the amounts of the
    authors' code. For each image, in this order, for values in [-1, 1]:

        color        adds b ~ U(-0.5, 0.5); multiplies the differences from the
                     mean over channels with s ~ U(0, 2); multiplies the
                     differences from the mean of the image with
                     c ~ U(0.5, 1.5)
        translation  moves by up to 1/8 of height and of width, in whole pixels;
                     what comes in is 0
        cutout       puts 0 into a square of half the height and width, whose
                     centre is anywhere in the image

    Other ranges are treated as if mapped to [-1, 1], so that 0 is mid-grey. A
    condition stays as it is: where it is an image of the same place, such as a
    mask, "color" alone fits.

    Args:
        policy: Those of "color", "translation", "cutout" to do.

    Raises:
        ConfigurationError: If `policy` is empty or has an unknown entry, or if
            the data are no images of a known range.
    """

    def __init__(
        self, policy: Sequence[str] = ("color", "translation", "cutout")
    ):
        if isinstance(policy, str) or not policy:
            raise ConfigurationError(
                "`policy` must be a sequence of names. Received: "
                f"policy={policy!r}. Write, for instance, "
                '("color", "translation", "cutout").'
            )
        for name in policy:
            if name not in _AUGMENTATIONS:
                raise ConfigurationError(
                    f"`policy` must hold names of {', '.join(_AUGMENTATIONS)}. "
                    f"Received: {name!r}.{did_you_mean(name, _AUGMENTATIONS)}"
                )
        self.policy = tuple(policy)

    def for_data(
        self,
        sample_shape: tuple[int, ...],
        value_range: tuple[float, float] | None,
    ) -> Transform:
        """The transform for images of this shape and range."""
        if len(sample_shape) != 3 or value_range is None:
            raise ConfigurationError(
                "`transforms.diff_augment` needs images (height, width, "
                "channels) within a range. Received: samples of shape "
                f"{tuple(sample_shape)}, value_range={value_range}. Use "
                "`transforms.noise`, or another data set."
            )
        low, high = value_range
        middle, half = (high + low) / 2, (high - low) / 2

        def augment(samples: tf.Tensor, draws: Draws) -> tf.Tensor:
            images = (samples - middle) / half
            for name, function in _AUGMENTATIONS.items():
                if name in self.policy:
                    images = function(images, draws)
            return images * half + middle

        return augment


def _color(images: tf.Tensor, draws: Draws) -> tf.Tensor:
    images = images + _uniform(images, draws, -0.5, 0.5)
    grey = tf.reduce_mean(images, axis=3, keepdims=True)
    images = grey + (images - grey) * _uniform(images, draws, 0.0, 2.0)
    mean = tf.reduce_mean(images, axis=[1, 2, 3], keepdims=True)
    return mean + (images - mean) * _uniform(images, draws, 0.5, 1.5)


def _translated(images: tf.Tensor, draws: Draws) -> tf.Tensor:
    for axis, equation in ((1, "bij,bjwc->biwc"), (2, "bij,bhjc->bhic")):
        size = images.shape[axis]
        most = int(size / 8 + 0.5)
        shift = _integers(images, draws, 2 * most + 1) - most
        # Rows of the identity, moved: what is outside of it is zeros. A product
        # of matrices, since gathering has a slow gradient.
        moved = tf.one_hot(
            tf.range(size) + shift[:, tf.newaxis], size, dtype=images.dtype
        )
        images = tf.einsum(equation, moved, images)
    return images


def _cut_out(images: tf.Tensor, draws: Draws) -> tf.Tensor:
    hidden = tf.ones([1, 1, 1, 1], tf.bool)
    for axis in (1, 2):
        size = images.shape[axis]
        length = int(size / 2 + 0.5)
        first = _integers(images, draws, size + 1 - length % 2) - length // 2
        place = tf.range(size) - first[:, tf.newaxis]  # [B, size]
        inside = (place >= 0) & (place < length)
        hidden &= tf.expand_dims(tf.expand_dims(inside, 3 - axis), 3)
    return tf.where(hidden, tf.zeros([], images.dtype), images)


def _uniform(
    images: tf.Tensor, draws: Draws, low: float, high: float
) -> tf.Tensor:
    """One number for each image: [B, 1, 1, 1]."""
    numbers = draws.uniform([num_rows(images), 1, 1, 1], low, high)
    return tf.cast(numbers, images.dtype)


def _integers(images: tf.Tensor, draws: Draws, num: int) -> tf.Tensor:
    """One of 0, ..., `num` - 1 for each image: int32 [B]."""
    numbers = draws.uniform([num_rows(images), 1], 0, num)
    return tf.cast(numbers[:, 0], tf.int32)


_AUGMENTATIONS = {
    "color": _color,
    "translation": _translated,
    "cutout": _cut_out,
}
