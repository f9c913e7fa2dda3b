"""`--check` on really installed packages, whole and broken, in a process."""

import pytest

PLUGIN = {
    "toy_networks.py": """
        import keras

        def build_right(sample_shape, latent_dim):
            z = keras.Input((latent_dim,))
            size = 1
            for length in sample_shape:
                size *= length
            flat = keras.layers.Dense(size)(z)
            return keras.Model(z, keras.layers.Reshape(sample_shape)(flat))

        def build_huge(sample_shape, latent_dim):
            z = keras.Input((latent_dim,))
            wide = keras.layers.Dense(10**9)(z)  # 64 GB of weights.
            rest = build_right(sample_shape, 10**9)
            return keras.Model(z, rest(wide))

        def build_needy(sample_shape, latent_dim, width):
            raise RuntimeError("must not be called")

        def build_other_shape(sample_shape, latent_dim):
            return build_right((3,), latent_dim)

        def build_function(sample_shape, latent_dim):
            return lambda z: z

        def build_nothing(sample_shape, latent_dim):
            raise RuntimeError("no such\\nshape")

        def build_probabilities(sample_shape):
            x = keras.Input(sample_shape)
            return keras.Model(x, keras.layers.Flatten()(x))

        class Averages:
            def generator(self, fake_logits):
                import tensorflow as tf
                return tf.reduce_mean(fake_logits)

        class NoData:
            pass

        class Scores:
            def run(self, model, dataset):
                return []
    """,
    "toy_missing.py": "import a_module_that_is_not_there",
    "toy_exit.py": "print('hello from the plugin')\nraise SystemExit(0)",
}


@pytest.fixture
def check(site, fresh_python):
    """Runs --check; returns (exit status, {full name: rest of line}, rest)."""

    def run():
        done = fresh_python(
            """
            import sys
            from ganzoo.run import run
            sys.exit(run(["ganzoo", "--check"]))
            """,
            site,
        )
        components, rest = {}, []
        for line in done.stdout.splitlines():
            name, _, verdict = line.partition("  ")
            if name.count(".") == 2 and " " not in name:
                components[name] = verdict.strip()
            else:
                rest.append(line)
        assert "hello" not in done.stdout
        return done.returncode, components, rest

    return run


def test_each_component_has_its_line_and_broken_ones_their_reason(
    install, check
):
    install(
        "ganzoo-toy",
        "0.3",
        {
            "ganzoo.generators": [
                "right = toy_networks:build_right",
                "huge = toy_networks:build_huge",
                "needy = toy_networks:build_needy",
                "other_shape = toy_networks:build_other_shape",
                "function = toy_networks:build_function",
                "nothing = toy_networks:build_nothing",
                "missing = toy_missing:build",
                "exits = toy_exit:build",
                "absent = toy_networks:build_absent",
                "mlp = toy_networks:build_right",
            ],
            "ganzoo.discriminators": [
                "wide = toy_networks:build_probabilities"
            ],
            "ganzoo.losses": ["averages = toy_networks:Averages"],
            "ganzoo.datasets": ["nodata = toy_networks:NoData"],
            "ganzoo.evaluators": ["scores = toy_networks:Scores"],
            "ganzoo.generater": ["odd = toy_networks:build_right"],
        },
        PLUGIN,
    )
    status, components, rest = check()
    assert status == 1
    own = {n: v for n, v in components.items() if n.startswith("ganzoo.")}
    assert len(own) >= 18
    assert own.pop("ganzoo.losses.without_dropout") == (
        "ganzoo 0.1.0  ok, not called: a recipe has to bind loss"
    )
    assert set(own.values()) == {"ganzoo 0.1.0  ok"}
    toy = {
        name.removeprefix("ganzoo_toy."): verdict.removeprefix(
            "ganzoo-toy 0.3  "
        )
        for name, verdict in components.items()
        if name.startswith("ganzoo_toy.")
    }
    not_loaded = "of ganzoo-toy 0.3 could not be loaded from"
    assert toy == {
        "generators.right": "ok",
        "generators.huge": "ok",
        "generators.mlp": "ok",
        "generators.needy": "ok, not called: a recipe has to bind width",
        "generators.other_shape": "broken: toy_networks:build_other_shape: its "
        "output must have the shape (None, 28, 28, 1). Received: shape "
        "(None, 3).",
        "generators.function": "broken: toy_networks:build_function: it must "
        "return a keras.Model. Received: function.",
        "generators.nothing": "broken: toy_networks:build_nothing: it must "
        "build for one of the usual sample shapes. Received: for samples "
        "(28, 28, 1), RuntimeError: no such shape",
        "generators.missing": f"broken: Generator 'missing' {not_loaded} "
        "toy_missing:build: ModuleNotFoundError: No module named "
        "'a_module_that_is_not_there'. Install it, or uninstall ganzoo-toy.",
        "generators.exits": f"broken: Generator 'exits' {not_loaded} "
        "toy_exit:build: SystemExit: 0. Repair it, or uninstall ganzoo-toy.",
        "generators.absent": f"broken: Generator 'absent' {not_loaded} "
        "toy_networks:build_absent: AttributeError: module 'toy_networks' has "
        "no attribute 'build_absent'. Repair it, or uninstall ganzoo-toy.",
        "discriminators.wide": "broken: toy_networks:build_probabilities: its "
        "output must have the shape (None, 1). Received: shape (None, 784).",
        "losses.averages": "broken: `toy_networks:Averages` breaks 'shapes': "
        "`generator` must give one value for each example, shape (6,). "
        "Received: shape (). Do not average: ganzoo does, over the global "
        "batch.",
        "datasets.nodata": "broken: toy_networks:NoData: it must have "
        "`examples`. Received: a class without it. See `ganzoo.interfaces`.",
        "evaluators.scores": "ok",
    }
    assert rest == [
        "ganzoo-toy 0.3 declares 'odd' (toy_networks:build_right) under "
        "'ganzoo.generater', which is no kind. Did you mean 'generators'? "
        "Kinds: generators, discriminators, losses, datasets, evaluators.",
        "Generator 'mlp' of ganzoo-toy 0.3 is hidden by ganzoo's own "
        "`generators.mlp`. Write `ganzoo_toy.generators.mlp` to use it.",
        f"{len(components)} components, 10 broken.",
    ]


@pytest.mark.slow
def test_what_is_hidden_is_not_broken(install, check):
    install(
        "ganzoo-toy",
        "0.3",
        {"ganzoo.generators": ["mlp = toy_networks:build_right"]},
        PLUGIN,
    )
    status, components, rest = check()
    assert status == 0
    assert rest[-1] == f"{len(components)} components, 0 broken."
    assert "is hidden by ganzoo's own `generators.mlp`" in rest[0]
