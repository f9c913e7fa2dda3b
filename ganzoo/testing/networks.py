"""What generators and discriminators promise."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import keras

from ganzoo.testing import network_promises
from ganzoo.testing.players import Discriminator, Generator
from ganzoo.testing.promises import Check, name_of, run_all

_PROMISES: tuple[Callable[[Generator], str], ...] = (
    network_promises.shapes,
    network_promises.dtypes,
    network_promises.gradients,
    network_promises.finite,
    network_promises.pure,
    network_promises.seed,
    network_promises.replicas,
    network_promises.conditions,
    network_promises.export,
)


def generator_checks(
    factory: Callable[..., keras.Model],
    sample_shapes: Sequence[tuple[int, ...]] = ((28, 28, 1), (32, 32, 3)),
    latent_dim: int = 16,
    name: str | None = None,
    condition: Any = None,
    **arguments: Any,
) -> list[Check]:
    """The checks of a generator, one for each promise.

    Args:
        factory: See `ganzoo.interfaces`.
        sample_shapes: Shapes that it must be able to make.
        latent_dim: Length of z.
        name: For messages. Default: module:name of the factory.
        condition: Four conditions, in any structure of arrays: for factories
            that cannot do without. None: none, and labels for the promise
            "conditions".
        **arguments: Of the factory, as a recipe would bind them. Small sizes
            make the checks fast.
    """
    player = Generator(factory, sample_shapes, latent_dim, condition, arguments)
    return _checks(player, name, _PROMISES)


def discriminator_checks(
    factory: Callable[..., keras.Model],
    sample_shapes: Sequence[tuple[int, ...]] = ((28, 28, 1), (32, 32, 3)),
    name: str | None = None,
    condition: Any = None,
    **arguments: Any,
) -> list[Check]:
    """The checks of a discriminator; arguments as for `generator_checks`."""
    player = Discriminator(factory, sample_shapes, 1, condition, arguments)
    return _checks(player, name, [*_PROMISES, network_promises.examples])


def check_generator(*args: Any, **kwargs: Any) -> dict[str, str]:
    """Runs `generator_checks`; returns promise -> outcome.

    Raises:
        ConformanceError: At the first promise that is broken.
    """
    return run_all(generator_checks(*args, **kwargs))


def check_discriminator(*args: Any, **kwargs: Any) -> dict[str, str]:
    """Runs `discriminator_checks`; returns promise -> outcome.

    Raises:
        ConformanceError: At the first promise that is broken.
    """
    return run_all(discriminator_checks(*args, **kwargs))


def _checks(
    player: Generator,
    name: str | None,
    promises: Sequence[Callable[[Generator], str]],
) -> list[Check]:
    return [
        Check(
            name or name_of(player.factory),
            promise.__name__,
            functools.partial(promise, player),
        )
        for promise in promises
    ]
