"""The loss of least squares GANs: the smallest plugin there can be.

It imports nothing: what a loss is given are tensors, and these can subtract.
"""

from typing import Any


class LeastSquares:
    """Least squares in place of cross entropy.

    D: 1/2 (D(x) - b)^2 + 1/2 (D(G(z)) - a)^2;  G: 1/2 (D(G(z)) - c)^2.
    Mao et al. 2017, "Least squares generative adversarial networks",
    https://arxiv.org/abs/1611.04076, section 3. With b - c = 1 and b - a = 2
    it minimises a Pearson chi-squared divergence; the defaults are the paper's
    other choice, the 0-1 coding.

    Methods take logits [B] and return one value for each example, [B].

    Args:
        fake_target: a, what D shall say of fakes.
        real_target: b, what D shall say of real examples.
        generator_target: c, what G wants D to say of fakes.
    """

    def __init__(
        self,
        fake_target: float = 0.0,
        real_target: float = 1.0,
        generator_target: float = 1.0,
    ):
        self.fake_target = fake_target
        self.real_target = real_target
        self.generator_target = generator_target

    def discriminator(self, real_logits: Any, fake_logits: Any) -> Any:
        """1/2 (D(x) - b)^2 + 1/2 (D(G(z)) - a)^2."""
        return (
            0.5 * (real_logits - self.real_target) ** 2
            + 0.5 * (fake_logits - self.fake_target) ** 2
        )

    def generator(self, fake_logits: Any) -> Any:
        """1/2 (D(G(z)) - c)^2."""
        return 0.5 * (fake_logits - self.generator_target) ** 2
