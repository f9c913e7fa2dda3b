"""The conformance kit: does a component keep what its kind promises?

One call for each kind runs every check and raises `ConformanceError` at the
first promise that is broken:

    testing.check_generator(build_generator, sample_shapes=[(28, 28, 1)])

The same checks one by one, for pytest or any other test runner:

    @pytest.mark.parametrize(
        "check", testing.generator_checks(build_generator), ids=str
    )
    def test_conformance(check):
        check()

What needs two replicas runs in a process of its own, which has two CPUs of
TensorFlow's. Scripts therefore need `if __name__ == "__main__":`, and factories
must be importable: no lambdas, nothing defined within a function.
"""

from ganzoo.testing.datasets import check_dataset, dataset_checks
from ganzoo.testing.evaluators import check_evaluator, evaluator_checks
from ganzoo.testing.losses import check_loss, loss_checks
from ganzoo.testing.networks import (
    check_discriminator,
    check_generator,
    discriminator_checks,
    generator_checks,
)
from ganzoo.testing.promises import Check, ConformanceError, table

__all__ = [
    "Check",
    "ConformanceError",
    "check_dataset",
    "check_discriminator",
    "check_evaluator",
    "check_generator",
    "check_loss",
    "dataset_checks",
    "discriminator_checks",
    "evaluator_checks",
    "generator_checks",
    "loss_checks",
    "table",
]
