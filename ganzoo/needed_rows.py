"""Layers whose gradient by their input is needed for some rows alone.

D judges examples and fakes in one batch. On the way back nobody asks what its
first layer gives the examples: there are no weights below it. Not to compute
that saves a sixteenth of the products of `mnist_mlp` under the simultaneous
rule.
"""

import contextlib
import contextvars
from collections.abc import Callable, Iterator
from typing import Any

import keras
import tensorflow as tf

# The layer that is asked for less, and its first row that counts.
_ASKED: contextvars.ContextVar = contextvars.ContextVar(
    "needed_rows", default=(None, 0)
)


@contextlib.contextmanager
def only_from(first_row: Any, network: keras.Model) -> Iterator[None]:
    """Within, a network's first layer passes back nothing to earlier rows.

    That is so where it knows how to: see `first_of`.

    Args:
        first_row: The first whose gradient is needed: int, or int32 tensor.
        network: Called within, on a batch.
    """
    token = _ASKED.set((_lowest_with_weights(network), first_row))
    try:
        yield
    finally:
        _ASKED.reset(token)


def first_of(layer: keras.layers.Layer) -> Any:
    """The first row that a call of a layer has to give a gradient for."""
    asked, first_row = _ASKED.get()
    if layer is not asked:
        return 0
    # Called again, it may stand above itself.
    _ASKED.set((None, 0))
    return first_row


def matmul(inputs: Any, kernel: Any, first_row: Any) -> tf.Tensor:
    """The product, whose gradient by the rows before `first_row` is zero.

    Args:
        inputs: [B, n].
        kernel: [n, m].
        first_row: Of those that are needed.

    Returns:
        [B, m].
    """
    if _is_first(first_row):
        return tf.matmul(inputs, kernel)

    @tf.custom_gradient
    def product(inputs: tf.Tensor, kernel: tf.Tensor) -> tuple:
        def back(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            of_inputs = behind_zeros(
                lambda rows: tf.matmul(rows, kernel, transpose_b=True),
                upstream,
                first_row,
            )
            return of_inputs, tf.matmul(inputs, upstream, transpose_a=True)

        return tf.matmul(inputs, kernel), back

    return product(inputs, tf.convert_to_tensor(kernel))


def behind_zeros(
    gradient: Callable, upstream: tf.Tensor, first_row: Any
) -> tf.Tensor:
    """What `gradient` makes of the rows that are needed, zero in the others."""
    if _is_first(first_row):
        return gradient(upstream)
    found = gradient(upstream[first_row:])
    others = [[0, 0]] * (found.shape.rank - 1)
    return tf.pad(found, [[first_row, 0], *others])


def _is_first(row: Any) -> bool:
    """Whether this is known to be the first of all rows."""
    return isinstance(row, int) and row == 0


def _lowest_with_weights(network: keras.Model) -> keras.layers.Layer | None:
    """The one below which no weight is; None where that cannot be known."""
    if not type(network).__module__.startswith("keras."):
        return None  # The order of a subclass' layers says nothing.
    # From the input upwards: what is below a layer stands before it.
    return next((layer for layer in network.layers if layer.weights), None)
