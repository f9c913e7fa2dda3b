"""ganzoo: generative adversarial nets as parts that plug together.

The map of the package. Read `ganzoo/gan.py` first; imports point one way:

    errors, interfaces      what can go wrong; what each kind of component promises
    registry, catalogue     entry points -> components; --list and --describe
    configuration           gin: a config loads exactly what it names
    latents, randomness     priors of z; every draw, a pure function
    layers, optimizers      maxout, dropout, untied bias; momentum that really ramps
    strategies, pipeline    where a step runs; what it is fed
    gan                     Algorithm 1
    checkpoints, callbacks  what a run keeps and says
    training, evaluation    a run from a config; its numbers
    figures                 the pictures
    run                     the command line

`generators/`, `discriminators/`, `losses/`, `datasets/` and `evaluators/` hold
the built-in components, which come through the same entry points as everyone
else's. This module imports nothing.
"""

__version__ = "0.1.0"
