"""What the fully connected generator puts on the input of its layers.

Noise that is a part of z keeps G a function of z: the same z gives the same
sample, on any device, in an export, at any time.
"""

import itertools
from collections.abc import Sequence

import keras

from ganzoo import layers
from ganzoo.errors import ConfigurationError


class LayerNoise:
    """Dropout, gates and further noise for each layer of a generator.

    z is cut into what the first layer takes, `noise_units` for each later
    layer, output included, and, if `is_gated`, one factor for each hidden unit.

    Args:
        latents: z, [B, latent_dim].
        hidden_units: Units of each hidden layer.
        dropout: Probability, while training, of dropping an entry of the input
            of a layer, the first one's included.
        dropout_scale: Factor of what is kept. None: 1 / (1 - dropout).
        noise_units: Entries of z that join the input of a layer.
        is_gated: Whether hidden units are multiplied with entries of z.

    Attributes:
        latents: What is left for the first layer.

    Raises:
        ConfigurationError: If z is too short.
    """

    def __init__(
        self,
        latents: keras.KerasTensor,
        hidden_units: Sequence[int],
        dropout: float = 0.0,
        dropout_scale: float | None = None,
        noise_units: int = 0,
        is_gated: bool = False,
    ):
        self.dropout = dropout
        self.dropout_scale = dropout_scale
        noise = [noise_units] * len(hidden_units) if noise_units else []
        gates = list(hidden_units) if is_gated else []
        used = sum(noise) + sum(gates)
        left = latents.shape[1] - used
        if left < 1:
            raise ConfigurationError(
                "`latent_dim` of the prior must exceed what `noise_units` and "
                f"`gated` of the generator take. Received: latent_dim="
                f"{latents.shape[1]}, of which they take {used}. Bind it to "
                f"{used} more than the first layer shall have."
            )
        parts = [latents]
        if used:
            starts = itertools.accumulate([left, *noise, *gates])
            parts = keras.ops.split(latents, list(starts)[:-1], axis=1)
        self.latents, *parts = parts
        self._noise = parts[: len(noise)]
        self._gates = parts[len(noise) :]

    def __call__(
        self, hidden: keras.KerasTensor, index: int
    ) -> keras.KerasTensor:
        """The input of a layer: [B, n] -> [B, n + noise_units].

        Args:
            hidden: What comes from below; for the first layer, z.
            index: 0 for the first hidden layer.
        """
        if index and self._gates:
            hidden = keras.layers.Multiply(name=f"gated_{index - 1}")(
                [hidden, self._gates[index - 1]]
            )
        if index and self._noise:
            hidden = keras.layers.Concatenate(name=f"with_noise_{index}")(
                [hidden, self._noise[index - 1]]
            )
        if self.dropout:
            hidden = layers.Dropout(
                self.dropout, scale=self.dropout_scale, name=f"dropout_{index}"
            )(hidden)
        return hidden
