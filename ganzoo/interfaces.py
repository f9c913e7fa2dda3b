"""The contracts: what each kind of component promises, as plain calls.

Nobody inherits from these; they are what `ganzoo.testing` checks and what a
plugin author reads. B is the number of examples on this replica.

A *factory* is what an entry point names: a function or a class. It is given by
name those of the following that its signature names, and gin may bind the rest:

    sample_shape    tuple of ints, the shape of one example of the data set
    latent_dim      int, the length of one z
    num_classes     int or None
    condition_spec  keras.KerasTensor, or None where the data has no condition
    value_range     (low, high) of the data, or None where it is unbounded
    sample_mean     float array of `sample_shape`, the mean training example
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

Tensor = Any
Array = Any

SUPPLIED_BY_CORE = (
    "sample_shape",
    "latent_dim",
    "num_classes",
    "condition_spec",
    "value_range",
    "sample_mean",
)


class Generator(Protocol):
    """A `keras.Model`: latents [B, latent_dim] -> samples [B, *sample_shape].

    Called `net(latents)`, or `net([latents, condition])` where the data has a
    condition. Samples are in the data set's own space and range.
    """

    def __call__(self, inputs: Tensor, training: bool = False) -> Tensor: ...


class Discriminator(Protocol):
    """A `keras.Model`: samples [B, *sample_shape] -> logits [B, 1].

    Logits, not probabilities: losses stay exact where D is sure. An optional
    attribute `mixes_examples` says whether one example's logit depends on the
    others of the batch (batch statistics). If absent, it is true iff the net
    contains a BatchNormalization. Real and fake share a pass where it is false.
    """

    def __call__(self, inputs: Tensor, training: bool = False) -> Tensor: ...


class Loss(Protocol):
    """A term of the game; terms add up. All methods are optional.

    Logits arrive as [B] and values leave as [B]; `Gan` averages over the global
    batch. Both players' methods are called with what they name and no more, of
    real_logits, fake_logits and fake_logits_without_dropout: D(G(z)) once more,
    by a D that does not train.
    """

    def discriminator(
        self, real_logits: Tensor, fake_logits: Tensor
    ) -> Tensor: ...

    def generator(self, fake_logits: Tensor) -> Tensor: ...

    def penalty(
        self,
        discriminate: Callable[[Tensor], Tensor],
        real_samples: Tensor,
        fake_samples: Tensor,
        draws: Any,
    ) -> Tensor:
        """A cost of the discriminator at samples: `discriminate(x)` -> [B]."""


class Dataset(Protocol):
    """Examples in splits "train", "validation" and "test".

    Attributes:
        sample_shape: Tuple of ints.
        value_range: (low, high), or None where samples are unbounded.
        num_classes: int or None.

    Optional: `augment(samples, draws)` -> [B, *sample_shape], row i of what
    `draws` gives being sample i's; for a density known in closed form,
    `sample(num, draws)`, `log_density(samples) -> [num]`, `means` [modes, dim]
    and `scale`, the standard deviation of a mode; `folds()`, the data sets that
    an average over folds runs over; `labels(split)`, int64 [num].
    """

    sample_shape: tuple[int, ...]
    value_range: tuple[float, float] | None
    num_classes: int | None

    def examples(self, split: str) -> Any:
        """Samples, or (samples, condition): arrays or a finite tf.data.Dataset.

        Unshuffled and the same at each call. Raises `DataError` where the split
        or the data is not there.
        """

    def to_unit(self, samples: Tensor) -> Tensor:
        """Samples as float images in [0, 1], by TensorFlow ops, per example.

        An attribute `to_unit = None` says that samples are no images.
        """


class Model(Protocol):
    """What an evaluator is given: a source of samples.

    Where the data has a condition and none is given, a game samples with those
    of training examples; `discriminate` needs one.
    """

    def sample(
        self, num: int, seed: int, condition: Array | None = None
    ) -> Iterator[Array]:
        """Arrays [<= batch, *sample_shape], `num` examples in all."""

    def generate(
        self, latents: Array, condition: Array | None = None
    ) -> Array: ...

    def discriminate(
        self, samples: Array, condition: Array | None = None
    ) -> Array:
        """Logits [B]."""

    def trunk(
        self, network: str = "discriminator", layer: str | None = None
    ) -> Any:
        """A copy of a net that takes samples, up to a layer: a `keras.Model`.

        None: up to what the last one with weights takes.
        """

    def inference(self, name: str = "inference") -> Any:
        """An inference net, by three functions from arrays to arrays.

        `infer(samples)`; `target(latents, condition=None)`, what it should say;
        `decode(codes, condition=None)`, G from what the net predicts on.
        Raises `DataError` where the game has none.
        """


class Companion(Protocol):
    """A net that is trained beside the game, and moves neither player.

    `build` makes `network`, whose weights `optimizer` alone moves. `loss` is
    called with what it names of `latents` z, `fake_samples` G(z), through which
    no gradient goes, their `condition`, and `draws` for random numbers of its
    own; it gives [B]. What layers of the network draw belongs to the step.

    An inference net is one with `target(latents, condition)`, which is what
    `network` predicts from G(z): z, or where its attribute `target_layer` names
    one, the output of that layer of G.

    Attributes:
        name: Of its loss in logs and of its weights in checkpoints.
        network: `keras.Model`, once it is built.
        optimizer: `keras.Optimizer`, of this net alone.
    """

    name: str
    network: Any
    optimizer: Any

    def build(self, generator: Any, latent_dim: int) -> None: ...

    def loss(
        self,
        latents: Tensor,
        fake_samples: Tensor,
        condition: Any,
        draws: Any,
    ) -> Tensor: ...


class Evaluator(Protocol):
    """Yields (name, value, protocol); no I/O, no logging, no sentinel values.

    The protocol is a dict of JSON values: counts, split, seed, space, ...
    NumPy's scalars will do, as they will for values. Core adds what the whole
    run shares. Some entries have a meaning of their own:

        standard_error  of the value
        better          "higher" or "lower", for `--mode=compare` to rank by
        outcomes        names of entries that are found, not chosen
        warnings        sentences for people; core prints them

    Optional: `needs_generator`, True where samples alone are not enough;
    `ignores_averages`, True where G is not looked at, so that a game is scored
    once and not by G's averaged weights again; `baselines(dataset)`, yielding
    the like about the data alone, kept from run to run, whose protocols say
    `of` which number they are baselines, and `if_exceeded`, a sentence for a
    value above.
    """

    def run(
        self, model: Model, dataset: Dataset
    ) -> Iterable[tuple[str, float, dict[str, Any]]]: ...


class Prior(Protocol):
    """The prior p_g(z): `prior(draws, num)` -> [num, latent_dim].

    Optional: `first_layer()`, a Keras layer [B, latent_dim] -> [B, latent_dim]
    that the generator then begins with: for a prior that learns.
    """

    latent_dim: int

    def __call__(self, draws: Any, num: Tensor) -> Tensor: ...


class Transform(Protocol):
    """What D is shown as it trains, of real and fake samples alike.

    A function of the numbers that `draws` gives, row i for sample i. Optional:
    `for_data(sample_shape, value_range)`, the transform to use for such data.
    """

    def __call__(self, samples: Tensor, draws: Any) -> Tensor: ...
