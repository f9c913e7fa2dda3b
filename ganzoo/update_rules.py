"""Orders of moves beside the two of `ganzoo.gan`."""

from collections.abc import Sequence

from ganzoo.errors import ConfigurationError
from ganzoo.gan import Gan
from ganzoo.minibatches import Minibatch


class GeneratorSteps:
    """Algorithm 1 with several steps of G in a round, each with fresh z.

    `build_gan.discriminator_steps` steps of D, each on new examples and fresh
    z, then `num_steps` of G.

    Args:
        num_steps: Steps of G in a round.

    Raises:
        ConfigurationError: If `num_steps` is not a positive integer.
    """

    def __init__(self, num_steps: int = 2):
        if not isinstance(num_steps, int) or num_steps < 1:
            raise ConfigurationError(
                "`num_steps` must be a positive integer. Received: "
                f"num_steps={num_steps!r}."
            )
        self.num_steps = num_steps

    def __call__(self, gan: Gan, minibatches: Sequence[Minibatch]) -> None:
        """Plays one round."""
        for substep, minibatch in enumerate(minibatches):
            gan.update(["discriminator"], minibatch, f"discriminator/{substep}")
        for substep in range(self.num_steps):
            gan.update(["generator"], minibatches[-1], f"generator/{substep}")
