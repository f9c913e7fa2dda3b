"""What a trained game answers when it is asked from outside, call by call.

One table serves all: an export writes it as signatures of a SavedModel, and
`sample_writer` calls it, from an export or straight from a run.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import tensorflow as tf

from ganzoo import randomness
from ganzoo.gan import Gan
from ganzoo.reconstruction import inference_nets
from ganzoo.sampling import Sampler


class Endpoint(NamedTuple):
    """A function of tensors, and what it is called with.

    Attributes:
        function: Takes the inputs in order, returns {output name: tensor}.
        inputs: Named specs; None is any number of rows.
    """

    function: Callable[..., dict[str, tf.Tensor]]
    inputs: list[tf.TensorSpec]

    def compile(self) -> Callable[..., dict[str, tf.Tensor]]:
        """The function as a graph, called as an export's: inputs by name."""
        graph = tf.function(self.function, self.inputs, autograph=False)

        def call(**inputs: tf.Tensor) -> dict[str, tf.Tensor]:
            return graph(*(inputs[spec.name] for spec in self.inputs))

        return call


def endpoints(
    gan: Gan, dataset: Any, condition_spec: Any = None
) -> dict[str, Endpoint]:
    """The endpoints of a game, by name; G speaks by its averages if it has any.

    Rows are independent of each other: dropout is off and batch normalisation
    uses statistics of the weights that speak. Sample i of a seed is always the
    same one.

        serving_default(latents)            samples [num, *sample_shape]
        sample(num, seed)                   the same for z ~ the prior
        interpolate(start, end, steps)      samples [num, steps, *sample_shape]
                                            on straight lines in z space, both
                                            ends included
        discriminate(samples)               probability [num] of being data
        predict_inference(samples)          predicted: z, or the layer of G,
                                            by the inference net of that name
        latents(num, seed, first_row)       z of samples first_row and up
        images(latents), sample_images(num, seed)
                                            images, uint8 [num, h, w, 1 or 3]
        png(latents), sample_png(num, seed) png_bytes, an encoded PNG each

    The last four exist where samples are images. A game with a condition takes
    it as further inputs, one row for each sample: `labels`, each of which must
    be a class, or the parts of another condition by their names, such as `mask`
    and `visible`. They then say how many samples there are, and `num` is left
    out.

    Args:
        gan: The game.
        dataset: What it was trained on; its `to_unit` makes images.
        condition_spec: `keras.KerasTensor`s of a batch of conditions, if any.
    """
    return _Endpoints(gan, dataset, condition_spec).table()


def condition_names(table: Mapping[str, Endpoint]) -> list[str]:
    """The inputs that say what samples are conditioned on."""
    return [spec.name for spec in table["serving_default"].inputs[1:]]


def to_pixels(unit: tf.Tensor) -> tf.Tensor:
    """Images in [0, 1] as uint8."""
    return tf.cast(tf.round(unit * 255), tf.uint8)


class _Endpoints:
    def __init__(self, gan: Gan, dataset: Any, condition_spec: Any):
        self.gan = gan
        self.sampler = Sampler(gan, use_ema=bool(gan.ema))
        self.sampler.follow()
        self.to_unit = dataset.to_unit
        self.condition_spec = condition_spec
        self.num_classes = dataset.num_classes
        self.condition = _condition_inputs(
            condition_spec, self.num_classes is not None
        )

    def table(self) -> dict[str, Endpoint]:
        dtype = tf.as_dtype(randomness.variable_dtype())
        points = [None, self.gan.latents.latent_dim]
        by_latents = [
            tf.TensorSpec(points, dtype, "latents"),
            *self.condition,
        ]
        shape = [None, *self.gan.sample_shape]
        samples = tf.TensorSpec(shape, dtype, "samples")
        num = tf.TensorSpec([], tf.int32, "num")
        seed = tf.TensorSpec([], tf.int64, "seed")
        by_seed = [seed, *self.condition] if self.condition else [num, seed]
        table = {
            "serving_default": Endpoint(self.serving_default, by_latents),
            "sample": Endpoint(self.of_seed(self.serving_default), by_seed),
            "interpolate": Endpoint(
                self.interpolate,
                [
                    tf.TensorSpec(points, dtype, "start"),
                    tf.TensorSpec(points, dtype, "end"),
                    tf.TensorSpec([], tf.int32, "steps"),
                    *self.condition,
                ],
            ),
            "discriminate": Endpoint(
                self.discriminate,
                [samples, *self.condition],
            ),
            "latents": Endpoint(
                self.latents,
                [num, seed, tf.TensorSpec([], tf.int64, "first_row")],
            ),
        }
        for name in inference_nets(self.gan):
            table[f"predict_{name}"] = Endpoint(self.infer(name), [samples])
        if self.to_unit is not None:
            for name in ("images", "png"):
                function = getattr(self, name)
                table[name] = Endpoint(function, by_latents)
                table[f"sample_{name}"] = Endpoint(
                    self.of_seed(function), by_seed
                )
        return table

    def serving_default(self, latents: Any, *condition: Any) -> dict:
        samples = self.sampler.call(latents, self.pack(condition))
        # Under a mixed policy nets compute, and may answer, in 16 bits.
        return {"samples": tf.cast(samples, randomness.variable_dtype())}

    def interpolate(
        self, start: Any, end: Any, steps: Any, *condition: Any
    ) -> dict:
        share = tf.cast(tf.linspace(0.0, 1.0, steps), start.dtype)
        share = share[tf.newaxis, :, tf.newaxis]
        line = (
            start[:, tf.newaxis] * (1 - share) + end[:, tf.newaxis] * share
        )  # [num, steps, latent_dim]
        repeated = [tf.repeat(part, steps, axis=0) for part in condition]
        samples = self.serving_default(
            tf.reshape(line, [-1, line.shape[-1]]), *repeated
        )["samples"]
        shape = [tf.shape(start)[0], steps, *self.gan.sample_shape]
        return {"samples": tf.reshape(samples, shape)}

    def infer(self, name: str) -> Callable:
        """What the inference net of that name says of samples."""
        net = self.sampler.inference(name)
        return lambda samples: {"predicted": net.call(samples)}

    def discriminate(self, samples: Any, *condition: Any) -> dict:
        logits = self.gan.networks.judge(samples, self.pack(condition), None)
        return {"probability": tf.sigmoid(logits)}

    def latents(self, num: Any, seed: Any, first_row: Any) -> dict:
        return {"latents": self.sampler.draw_latents(num, seed, first_row)}

    def images(self, latents: Any, *condition: Any) -> dict:
        samples = self.serving_default(latents, *condition)["samples"]
        return {"images": to_pixels(self.to_unit(samples))}

    def png(self, latents: Any, *condition: Any) -> dict:
        images = self.images(latents, *condition)["images"]
        return {"png_bytes": tf.io.encode_png(images)}

    def of_seed(self, function: Callable) -> Callable:
        """`function` of the latents that a seed draws."""

        def with_condition(seed: Any, *condition: Any) -> dict:
            num = tf.shape(condition[0])[0]
            return function(self.sampler.draw_latents(num, seed), *condition)

        def without(num: Any, seed: Any) -> dict:
            return function(self.sampler.draw_latents(num, seed))

        return with_condition if self.condition else without

    def pack(self, condition: tuple) -> Any:
        """The condition as the networks take it."""
        if self.condition_spec is None:
            return None
        if self.condition[0].name == "labels":
            condition = (_checked(condition[0], self.num_classes),)
        return tf.nest.pack_sequence_as(self.condition_spec, list(condition))


def _checked(labels: tf.Tensor, num_classes: int) -> tf.Tensor:
    """The labels, refused as a whole where one is no class."""
    wide = tf.cast(labels, tf.int64)  # One byte may not hold `num_classes`.
    is_class = (wide >= 0) & (wide < num_classes)
    check = tf.debugging.Assert(
        tf.reduce_all(is_class),
        [f"`labels` must be 0 to {num_classes - 1}. Received:", labels],
        summarize=10,
    )
    with tf.control_dependencies([check]):
        return tf.identity(labels)


def _condition_inputs(
    condition_spec: Any, has_classes: bool
) -> list[tf.TensorSpec]:
    parts = [] if condition_spec is None else tf.nest.flatten(condition_spec)
    names = [f"condition_{index}" for index in range(len(parts))]
    if isinstance(condition_spec, dict) and len(condition_spec) == len(parts):
        names = sorted(condition_spec)  # As `flatten` has them.
    elif len(parts) == 1:
        is_class = has_classes and len(parts[0].shape) == 1
        names = ["labels" if is_class else "condition"]
    return [
        tf.TensorSpec(part.shape, part.dtype, name)
        for part, name in zip(parts, names, strict=True)
    ]
