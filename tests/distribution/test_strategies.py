"""Replicas compute what one device does; what a strategy needs is said."""

import re

import numpy as np
import pytest
import tensorflow as tf
from processes import complete
from small_runs import arguments, lines, newest

from ganzoo.distribution import strategies
from ganzoo.distribution.replicas import Consensus
from ganzoo.errors import ConfigurationError
from ganzoo.gradients import accumulated

MIRRORED = (
    "experiment.strategy = @strategies.mirrored()",
    "strategies.mirrored.num_cpus = 2",
)
SGD = (
    "build_gan.generator_optimizer = @generator/optimizers.sgd()",
    "build_gan.discriminator_optimizer = @discriminator/optimizers.sgd()",
    "optimizers.sgd.learning_rate = 0.05",
    "optimizers.sgd.momentum = 0.5",
)
FLOAT64 = "experiment.dtype_policy = 'float64'"
# Labels, a net beside the game, and noise on what D sees.
CONDITIONAL = (
    "datasets.digits.conditional = True",
    "build_gan.companions = [@companions.inference()]",
    "companions.inference.encoder = @mlp_encoder",
    "companions.inference.optimizer = @inference/optimizers.adam()",
    "mlp_encoder.hidden_units = (8,)",
    "build_gan.transforms = [@transforms.noise()]",
)


@pytest.mark.parametrize(
    ("params", "tolerance"),
    [
        ((FLOAT64,), 1e-12),
        ((FLOAT64, *CONDITIONAL), 1e-12),
        pytest.param(SGD, 1e-6, marks=pytest.mark.slow),
    ],
)
def test_two_replicas_compute_what_one_device_does(tmp_path, params, tolerance):
    log = tmp_path / "log"
    params = (*params, "train.num_steps = 20")
    for name, more in (("one", ()), ("two", MIRRORED)):
        status, output = complete(
            arguments(tmp_path / name, *params, *more), log
        )
        assert status == 0, output
    assert "Devices: 2 CPU. Training on 2 replicas." in output
    one, two = newest(tmp_path / "one"), newest(tmp_path / "two")
    for name in one:
        if not name.startswith("metrics"):
            np.testing.assert_allclose(two[name], one[name], 0, tolerance, name)
    (expected,), (found,) = (lines(tmp_path / name) for name in ("one", "two"))
    assert found == pytest.approx(expected, rel=1e-5)
    assert found["generator_gradient_norm"] > 0


@pytest.mark.parametrize(
    ("batch_size", "replicas", "micro", "message"),
    [
        (
            100,
            8,
            1,
            "`train.batch_size` must divide by the 8 replicas. Received: "
            "batch_size=100. Nearest: 96 or 104.",
        ),
        (
            3,
            2,
            4,
            "`train.batch_size` must divide by the 2 replicas x 4 "
            "micro-batches. Received: batch_size=3. Nearest: 8.",
        ),
        (
            0,
            1,
            1,
            "`train.batch_size` must be at least 1. Received: batch_size=0.",
        ),
    ],
)
def test_a_batch_that_does_not_divide_names_those_that_do(
    batch_size, replicas, micro, message
):
    class Strategy:
        num_replicas_in_sync = replicas

    with pytest.raises(ConfigurationError, match=re.escape(message)):
        strategies.check_batch_size(batch_size, Strategy(), micro)


def test_one_device_names_those_there_are():
    assert strategies.one_device() is tf.distribute.get_strategy()
    with pytest.raises(ConfigurationError, match="Received: 'GPU:7'"):
        strategies.one_device("GPU:7")


def test_multi_worker_without_tf_config_says_how(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    with pytest.raises(
        ConfigurationError,
        match=re.escape(
            "`strategies.multi_worker` needs `TF_CONFIG` in the environment. "
            "Received: none. Start workers on this machine by --workers=N"
        ),
    ):
        strategies.multi_worker()


def test_the_cpu_cannot_be_split_late():
    tf.constant(0)
    with pytest.raises(
        ConfigurationError, match="must be at least 1 and come before"
    ):
        strategies.mirrored(num_cpus=7)


def test_one_worker_agrees_with_itself():
    consensus = Consensus(tf.distribute.get_strategy())
    assert consensus.largest([3, 0]) == [3, 0]


def test_parts_add_up_and_missing_gradients_stay_missing():
    total = accumulated(
        lambda part: {"generator": [tf.constant(part), None]}, [1.0, 2.0, 4.0]
    )
    assert float(total["generator"][0]) == 7
    assert total["generator"][1] is None
