"""Each promise of a network: a function that returns the outcome."""

import functools
import inspect
import tempfile
from collections.abc import Callable, Sequence

import keras
import numpy as np
import tensorflow as tf

from ganzoo import randomness
from ganzoo.networks import has_batch_statistics
from ganzoo.randomness import Draws
from ganzoo.testing.players import (
    NUM_ROWS,
    Generator,
    perturb,
    with_rows,
)
from ganzoo.testing.promises import (
    NOT_APPLICABLE,
    Broken,
    dtype_policy,
    require_finite,
)
from ganzoo.testing.replicas import Comparison, in_own_process

_POLICIES = ("float32", "float64", "mixed_bfloat16")


def shapes(player: Generator) -> str:
    """Every sample shape, one example and several, training or not."""
    for sample_shape in player.sample_shapes:
        network = player.build(sample_shape)
        for num in (1, NUM_ROWS):
            inputs = player.inputs(num, sample_shape)
            wanted = (num, *player.output_shape(sample_shape))
            for training in (False, True):
                made = player.call(network, inputs, training)
                if tuple(made.shape) != wanted:
                    raise Broken(
                        f"inputs {tuple(inputs.shape)} must give shape "
                        f"{wanted} for samples {sample_shape}",
                        f"shape {tuple(made.shape)}",
                        "Follow `sample_shape` in the last layer",
                    )
    return "ok"


def dtypes(player: Generator) -> str:
    """float32, float64 and mixed_bfloat16, as the policy says."""
    for policy in _POLICIES:
        with dtype_policy(policy):
            network = player.build()
            weight_dtype = randomness.variable_dtype()
            for weight in network.trainable_weights:
                if weight.dtype != weight_dtype:
                    raise Broken(
                        f"weights must be {weight_dtype} under {policy}",
                        f"{weight.path} of {weight.dtype}",
                        "Leave dtypes to the policy",
                    )
            made = player.call(network, player.inputs(), training=False)
            if made.dtype != weight_dtype and policy != "mixed_bfloat16":
                raise Broken(
                    f"outputs must be {weight_dtype} under {policy}",
                    made.dtype.name,
                    "Do not cast to float32 by hand",
                )
            require_finite(tf.cast(made, "float64"), f"Outputs in {policy}")
            if policy == "float64":
                _require_full_precision(player, network)
    return "ok"


def _require_full_precision(player: Generator, network: keras.Model) -> None:
    # Far below float32's resolution, far above float64's.
    inputs = player.inputs()
    near = inputs * (1 + 1e-10)
    made, made_near = (
        player.call(network, part, training=False) for part in (inputs, near)
    )
    if np.array_equal(made, made_near):
        raise Broken(
            "float64 must be computed in float64",
            "the same outputs for inputs that differ by 1e-10",
            "Look for a cast to float32 inside of the network",
        )


def gradients(player: Generator) -> str:
    """A gradient reaches every trainable weight."""
    network = player.build()
    perturb(network)
    with tf.GradientTape() as tape:
        made = player.call(network, player.inputs(16))
        weights = np.random.default_rng(2).normal(size=made.shape)
        cost = tf.reduce_sum(made * tf.cast(weights, made.dtype))
    variables = network.trainable_variables
    gradients = tape.gradient(cost, variables)
    missed = [
        variable.path
        for variable, gradient in zip(variables, gradients, strict=True)
        if gradient is None
        or not np.any(tf.convert_to_tensor(gradient).numpy())
    ]
    if missed:
        raise Broken(
            "a gradient must reach every trainable weight",
            f"none at {', '.join(missed)}",
            "Use the weight, or do not make it trainable",
        )
    return "ok"


def finite(player: Generator) -> str:
    """Outputs are finite for inputs from 0 to 100."""
    network = player.build()
    for training in (False, True):
        for scale in (0.0, 1.0, 100.0):
            made = player.call(network, scale * player.inputs(), training)
            require_finite(made, f"Outputs for inputs times {scale:g}")
    return "ok"


def pure(player: Generator) -> str:
    """A call writes no trainable weight."""
    network = player.build()
    before = [weight.numpy() for weight in network.trainable_variables]
    player.call(network, player.inputs())
    after = network.trainable_variables
    written = [
        weight.path
        for weight, value in zip(after, before, strict=True)
        if not np.array_equal(weight.numpy(), value)
    ]
    if written:
        raise Broken(
            "a call must not write trainable weights: optimizers do",
            f"{', '.join(written)} changed",
            "Compute what is normalised in `call`, keep state apart",
        )
    return "ok"


def seed(player: Generator) -> str:
    """One seed, one network; one step, one result."""
    network, again = player.build(), player.build()
    for weight, other in zip(network.weights, again.weights, strict=True):
        if not np.array_equal(weight.numpy(), other.numpy()):
            raise Broken(
                "`keras.utils.set_random_seed` must determine the weights",
                f"two values of {weight.path} for one seed",
                "Use Keras' initializers, or NumPy's global generator",
            )
    made, repeated = (
        player.call(one, player.inputs()) for one in (network, again)
    )
    if not np.array_equal(made, repeated):
        raise Broken(
            "one seed and step must give one result",
            "two different ones",
            "Draw by `ganzoo.randomness.current()` or by layers with a "
            "keras.random.SeedGenerator, not by tf.random",
        )
    return "ok"


def replicas(player: Generator) -> str:
    """Two replicas draw what one would ("equal"), or others ("distinct")."""
    return in_own_process(functools.partial(_compare_replicas, player))


def _compare_replicas(player: Generator) -> str:
    with dtype_policy("float64"):
        inputs = with_rows(player.inputs(2 * NUM_ROWS), player.condition)

        def make() -> tuple[Callable, Sequence[keras.Variable]]:
            network = player.build()

            def call(parts: list[tf.Tensor], draws: Draws) -> tf.Tensor:
                with randomness.scope(draws):
                    return network(player.packed(parts), training=True)

            return call, network.variables

        parts = [part.numpy() for part in tf.nest.flatten(inputs)]
        return Comparison(make, parts).outcome()


def conditions(player: Generator) -> str:
    """The output depends on the condition, if it takes one.

    Nets that can do without keep dtypes, gradients and export with labels too.
    """
    if "condition_spec" not in inspect.signature(player.factory).parameters:
        return NOT_APPLICABLE
    if player.condition is None:
        player = player.with_labels()
        for promise in (dtypes, gradients, export):
            _keep_with_labels(promise, player)
    network = player.build()
    perturb(network)
    one = tf.repeat(player.inputs(1), NUM_ROWS, axis=0)
    made = player.call(network, one, False).numpy()
    if np.allclose(made, made[:1], rtol=0, atol=1e-12):
        raise Broken(
            "the output must depend on the condition",
            "one output for four conditions",
            "Use the second input, or leave out `condition_spec`",
        )
    return "ok"


def _keep_with_labels(
    promise: Callable[[Generator], str], player: Generator
) -> None:
    try:
        promise(player)
    except Broken as broken:
        raise Broken(
            f"with a label for each input ({promise.__name__}), {broken.rule}",
            broken.received,
            broken.remedy,
        ) from broken


def export(player: Generator) -> str:
    """A SavedModel gives what the network gives."""
    network = player.build()
    parts = tf.nest.flatten(with_rows(player.inputs(), player.condition))

    def call(*parts: tf.Tensor) -> tf.Tensor:
        # `inputs`, or [inputs, condition].
        return network(player.packed(parts), training=False)

    serve = tf.function(call, autograph=False)
    signature = [
        tf.TensorSpec((None, *part.shape[1:]), part.dtype) for part in parts
    ]
    with tempfile.TemporaryDirectory() as folder:
        archive = keras.export.ExportArchive()
        archive.add_endpoint("serve", serve, input_signature=signature)
        archive.write_out(folder, verbose=False)
        loaded = tf.saved_model.load(folder)
        made = loaded.serve(*parts)
    if not np.allclose(made, serve(*parts), rtol=1e-5, atol=1e-6):
        raise Broken(
            "a SavedModel must give what the network gives",
            "other outputs",
            "Keep all state in variables of the model",
        )
    return "ok"


def examples(player: Generator) -> str:
    """`mixes_examples` must be true where examples see each other."""
    network = player.build()
    mixes = getattr(network, "mixes_examples", has_batch_statistics(network))
    if mixes:
        return "mixed"
    inputs = player.inputs()
    others = tf.concat([inputs[:1], 1 - inputs[1:]], axis=0)
    start = [weight.numpy() for weight in network.variables]
    first = player.call(network, inputs)[0]
    for weight, value in zip(network.variables, start, strict=True):
        weight.assign(value)
    if not np.allclose(first, player.call(network, others)[0], 1e-4, 1e-6):
        raise Broken(
            "the logit of an example must not depend on the others",
            "a logit that moved with them",
            "Set `mixes_examples = True` on the model",
        )
    return "independent"
