import re

import numpy as np
import pytest
import toronto_faces

from ganzoo.datasets.tfd import TorontoFaces
from ganzoo.errors import ConfigurationError, DataError


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tfd")
    return toronto_faces.write(folder / "TFD_48x48.mat")


def test_splits_of_every_fold(path):
    content = toronto_faces.contents()
    dataset = TorontoFaces(path)
    assert dataset.sample_shape == (48, 48, 1)
    unlabeled = dataset.examples("train")
    assert unlabeled.shape == (toronto_faces.NUM_UNLABELED, 48, 48, 1)
    assert unlabeled.dtype == np.float32
    np.testing.assert_array_equal(
        np.round(unlabeled[..., 0] * 255), content["images"][:200]
    )
    seen = []
    for fold, of_fold in enumerate(dataset.folds()):
        assert of_fold.fold == fold
        test = of_fold.examples("test")
        validation = of_fold.examples("validation")
        assert len(test) == len(validation) == 40
        assert not np.isin(_keys(test), _keys(validation)).any()
        assert not np.isin(_keys(test), _keys(unlabeled)).any()
        seen.append(test)
    # Each labelled face is in one fold's test set.
    assert len(np.unique(_keys(np.concatenate(seen)))) == 200
    assert dataset.fold == 0


def test_what_it_trains_on(path):
    train, labels = TorontoFaces(
        path, fold=3, train_on="train", conditional=True
    ).examples("train")
    full = TorontoFaces(path, fold=3, train_on="full_train")
    assert len(train) == len(labels) == 120
    both = np.concatenate([train, full.examples("validation")])
    assert len(full.examples("train")) == 160
    assert set(_keys(full.examples("train"))) == set(_keys(both))


def test_labels_begin_at_zero(path):
    content = toronto_faces.contents()
    rows = content["folds"][:, 2] == 3
    labels = TorontoFaces(path, fold=2).labels("test")
    np.testing.assert_array_equal(labels, content["labs_ex"][rows, 0] - 1)
    assert labels.dtype == np.int64
    with pytest.raises(
        DataError,
        match=re.escape(
            "`labels` of 'train' do not exist. Received: train_on='unlabeled'. "
            "Set `train_on` to 'train' or 'full_train'."
        ),
    ):
        TorontoFaces(path).labels("train")


def test_to_unit(path):
    dataset = TorontoFaces(path, value_range=(-1.0, 1.0))
    samples = dataset.examples("test")
    assert -1 <= samples.min() < -0.5 and 0.5 < samples.max() <= 1
    np.testing.assert_allclose(
        dataset.to_unit(samples), TorontoFaces(path).examples("test"), atol=1e-6
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"fold": 5}, "`fold` must be 0, 1, 2, 3 or 4. Received: fold=5."),
        (
            {"train_on": "unlabelled"},
            "`train_on` must be one of unlabeled, train, full_train. Received: "
            "'unlabelled'. Did you mean 'unlabeled'?",
        ),
        (
            {"conditional": True},
            "`conditional` needs labelled training faces. Received: "
            "train_on='unlabeled'. Set `train_on` to 'train' or 'full_train'.",
        ),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        TorontoFaces("any.mat", **arguments)


def test_missing_file(tmp_path):
    path = tmp_path / "TFD_48x48.mat"
    message = (
        "`path` must be the Toronto Face Database's .mat file. Received: "
        f"{path}, which is no file."
    )
    with pytest.raises(DataError, match=re.escape(message)):
        TorontoFaces(path)


@pytest.mark.parametrize("share", [0.001, 0.5, 0.99])
def test_truncated_file(path, tmp_path, share):
    content = path.read_bytes()
    truncated = tmp_path / "half.mat"
    truncated.write_bytes(content[: int(share * len(content))])
    message = (
        f"{truncated} could not be read as a .mat file (version 5). It may be"
    )
    with pytest.raises(DataError, match=re.escape(message)):
        TorontoFaces(truncated)


def test_wrong_keys(tmp_path):
    path = toronto_faces.write(tmp_path / "x.mat", folds=None, fold=[1])
    message = (
        f"{path} must have the keys images, folds, labs_ex. Received: fold, "
        "images, labs_ex, labs_id. It is another file."
    )
    with pytest.raises(DataError, match=re.escape(message)):
        TorontoFaces(path)


@pytest.mark.parametrize(
    ("replaced", "message"),
    [
        (
            {"folds": np.ones((400, 4))},
            "must have images [N, height, width], folds [N, 5] and labs_ex "
            "[N]. Received: ",
        ),
        (
            {"images": np.ones((400, 2304))},
            "must have images [N, height, width], folds [N, 5] and labs_ex "
            "[N]. Received: ",
        ),
        (
            {"folds": np.full((400, 5), 7)},
            "must have images of 0 to 255 and folds of 0 to 3. Received: ",
        ),
        (
            {"images": np.full((400, 48, 48), -1.0)},
            "must have images of 0 to 255 and folds of 0 to 3. Received: "
            "images of -1.0 to -1.0, folds of [0, 1, 2, 3]. It is another "
            "file.",
        ),
    ],
)
def test_wrong_form(tmp_path, replaced, message):
    path = toronto_faces.write(tmp_path / "x.mat", **replaced)
    with pytest.raises(DataError, match=re.escape(f"{path} {message}")):
        TorontoFaces(path)


def test_split_without_faces(tmp_path):
    folds = np.ones((400, 5))
    path = toronto_faces.write(tmp_path / "x.mat", folds=folds)
    with pytest.raises(
        DataError,
        match=re.escape(
            f"`folds` of {path} must have faces for the split 'test'. "
            "Received: none with code (3,) in fold 0. Check the file."
        ),
    ):
        TorontoFaces(path).examples("test")


def test_labels_out_of_range(tmp_path):
    path = toronto_faces.write(tmp_path / "x.mat", labs_ex=np.full(400, 9))
    with pytest.raises(
        DataError,
        match=re.escape(
            f"`labs_ex` of {path} must be 1 to 7 for the split 'test'. "
            "Received: [9]. Check the file."
        ),
    ):
        TorontoFaces(path).labels("test")


def _keys(samples):
    return np.array(
        [sample.tobytes() for sample in samples], dtype=object
    ).astype("S")
