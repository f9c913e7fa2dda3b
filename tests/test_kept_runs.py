"""Runs of earlier versions that this one must still read and go on with."""

import pathlib
import shutil

import numpy as np
import pytest
from processes import complete
from small_runs import newest

from ganzoo.storage.checkpoints import Checkpoints

KEPT = pathlib.Path(__file__).parent / "kept_runs"
# Of the kept generators' weights, squared and summed.
NORMS = {"0.1": 0.1120051036703147}


@pytest.mark.parametrize("version", NORMS)
def test_a_kept_run_goes_on(tmp_path, version):
    run_dir = tmp_path / "run"
    shutil.copytree(KEPT / version, run_dir)
    values, manifest = Checkpoints(run_dir / "checkpoints").load()
    assert manifest["step"] == 4
    assert values["step/000/step"] == 4
    norm = sum(
        np.sum(np.square(value, dtype=np.float64))
        for name, value in values.items()
        if name.startswith("generator/")
    )
    np.testing.assert_allclose(norm, NORMS[version], rtol=1e-9)
    flags = [
        f"--run_dir={run_dir}",
        "--mode=train",
        "--gin_param=train.num_steps = 6",
    ]
    status, output = complete(flags, tmp_path / "log")
    assert status == 0, output
    assert f"Restored step 4 of {run_dir}." in output
    assert newest(run_dir)["step/000/step"] == 6
