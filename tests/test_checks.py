"""Checks of arguments: what they let pass, and their messages."""

import functools
import re

import numpy as np
import pytest

from ganzoo.checks import (
    check_callable,
    check_counts,
    check_integers,
    check_list,
)
from ganzoo.errors import ConfigurationError


def test_what_is_right_passes():
    check_integers(seed=-3, other=np.int64(4))
    check_counts("train.", num_steps=1)
    check_list("losses", (), "[]")
    check_callable("pace", abs, ("the step",), "@pacing.constant()")
    rule = functools.partial(lambda a, b, c: None, 1)
    check_callable("rule", rule, ("the game", "its minibatches"), "@a")

    def pace(step, rate):
        """What else it takes, gin supplies."""

    check_callable("pace", pace, ("the step",), "@pacing.constant()")
    check_counts(least=0, seed=0)


@pytest.mark.parametrize(
    ("check", "message"),
    [
        (
            lambda: check_counts("train.", num_steps=2.5),
            "`train.num_steps` must be an integer. Received: num_steps=2.5.",
        ),
        (
            lambda: check_counts("train.", num_steps=1e1),
            "`train.num_steps` must be an integer. Received: num_steps=10.0. "
            "Write 10.",
        ),
        (
            lambda: check_integers(seed=True),
            "`seed` must be an integer. Received: seed=True.",
        ),
        (
            lambda: check_counts(num=0),
            "`num` must be at least 1. Received: num=0.",
        ),
        (
            lambda: check_list("parts", "ab", "[1]"),
            "`parts` must be a list. Received: 'ab'. Write, for instance, [1].",
        ),
        (
            lambda: check_list("parts", ConfigurationError(), "[1]"),
            "`parts` must be a list. Received: ConfigurationError. Write, for "
            "instance, [1].",
        ),
        (
            lambda: check_callable("pace", 0.5, ("the step",), "@a()"),
            "`pace` must be a function of the step. Received: 0.5. Write, for "
            "instance, @a().",
        ),
        (
            lambda: check_callable("rule", len, ("the game", "more"), "@a"),
            "`rule` must be a function of the game and more. Received: len. "
            "Write, for instance, @a.",
        ),
    ],
)
def test_what_is_wrong_is_named(check, message):
    with pytest.raises(ConfigurationError, match=f"^{re.escape(message)}$"):
        check()
