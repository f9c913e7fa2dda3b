"""Figures and report of one short run, and the page in a real browser."""

import html
import html.parser
import json
import re
import shutil
import subprocess

import numpy as np
import pytest
from PIL import Image

from ganzoo.datasets.digits import Digits
from ganzoo.errors import ConfigurationError
from ganzoo.pictures import paper_figures
from ganzoo.pictures.curves import loss_curves, sigma_curves, spread
from ganzoo.pictures.figures import grid_cell
from ganzoo.pictures.paper_figures import nearest_examples
from ganzoo.pictures.report import write_report
from ganzoo.run import run
from ganzoo.storage import checkpoint_files
from ganzoo.storage.run_directory import RunDirectory
from ganzoo.training import monitors

SMALL = [
    "generators.mlp.hidden_units = (16,)",
    "discriminators.maxout_mlp.hidden_units = (8,)",
    "train.num_steps = 6",
    "train.log_every_steps = 2",
    "train.sample_every_steps = 3",
]


def play(recipe, folder, *params):
    arguments = [f"--gin_param={param}" for param in [*SMALL, *params]]
    status = run(
        [
            "ganzoo",
            f"--gin_file=gin/{recipe}.gin",
            f"--run_dir={folder}",
            "--mode=train,evaluate,figures,report",
            *arguments,
        ]
    )
    assert status == 0
    return folder


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    return play(
        "digits_mlp",
        tmp_path_factory.mktemp("runs") / "digits",
        "evaluators.parzen.num_samples = 100",
        "evaluators.parzen.num_k_means_centres = 10",
        "evaluate.evaluators = [@evaluators.parzen(), "
        "@evaluators.nearest_neighbor(), @evaluators.interpolation()]",
        "evaluators.nearest_neighbor.num_samples = 50",
        "evaluators.interpolation.num_pairs = 5",
    )


@pytest.fixture(scope="module")
def line(tmp_path_factory):
    return play(
        "gaussian_1d",
        tmp_path_factory.mktemp("runs") / "line",
        "train.checkpoint_every_steps = 3",
        "evaluate.evaluators = [@evaluators.divergence()]",
        "evaluators.divergence.num_samples = 2_000",
    )


def size_of(path):
    with Image.open(path) as picture:
        return picture.size


class Page(html.parser.HTMLParser):
    """What a page refers to, and whether its tags match."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.images, self.links = [], [], [], []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.tags.append(tag)
        if tag == "img":
            self.images.append(attributes)
        self.links += [
            value
            for name, value in attrs
            if name in ("src", "href", "action", "srcset")
        ]
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.mark.parametrize(
    ("name", "size"),
    [
        # Rows of 5, columns of 7 + 1, cells of 48 + 2 pixels, a frame of 2.
        ("neighbors", (402, 252)),
        ("interpolation", (402, 252)),
        ("film_strip", None),
        ("curves", None),
        ("sigma", None),
    ],
)
def test_figures_of_images_are_png_and_vector(digits, name, size):
    listed = json.loads((digits / "figures" / "figures.json").read_text())
    (entry,) = [figure for figure in listed if figure["name"] == name]
    assert entry["title"] and entry["caption"]
    found = size_of(digits / "figures" / f"{name}.png")
    assert size is None or found == size
    assert "<svg" in (digits / "figures" / f"{name}.svg").read_text()[:600]


def test_the_seed_of_fair_draws_is_in_the_caption(digits):
    listed = json.loads((digits / "figures" / "figures.json").read_text())
    for figure in listed[:2]:
        assert "Step 6, averaged weights, seed 0." in figure["caption"]


@pytest.mark.slow
def test_figure_1_is_drawn_on_the_line(line):
    listed = json.loads((line / "figures" / "figures.json").read_text())
    assert listed[0]["name"] == "densities"
    # Two checkpoints were kept: two columns of 240 pixels.
    assert size_of(line / "figures" / "densities.png") == (480, 360)


class Labelled:
    """Images of one grey, their label over ten, in an order of its own."""

    sample_shape = (4, 4, 1)
    num_classes = 10
    labels = np.array([3, 1, 4, 1, 5, 9, 2, 6])

    def to_unit(self, samples):
        return samples

    def examples(self, split):
        return self.images(self.labels), self.labels

    def images(self, labels):
        grey = np.reshape(labels, [-1, 1, 1, 1]) / 10
        return np.broadcast_to(grey, [len(labels), 4, 4, 1])


class Obedient:
    """Makes what it is asked for, whatever z is."""

    def sample(self, num, seed, condition):
        assert num == len(condition)
        yield Labelled().images(condition)

    def draw_latents(self, num, seed):
        return np.zeros((num, 3))

    def generate(self, latents, condition):
        assert len(latents) == len(condition)
        return Labelled().images(condition)


def greys(figure, rows):
    """Label that each cell of the grid shows."""
    picture = np.asarray(figure.axes[0].images[0].get_array(), float)
    height, width = grid_cell((4, 4))
    cells = picture[height // 2 :: height, width // 2 :: width][:rows]
    return np.round(cells / 25.5).astype(int).tolist()


def test_figures_of_labelled_data_are_of_the_first_examples_labels():
    data = Labelled()
    of = (Obedient(), data, data.examples("train"), 0, 2, 3, "")
    figure, _, _ = paper_figures._neighbors(*of)
    # The nearest example of a label's grey has that label.
    assert greys(figure, 2) == [[3, 1, 4, 4], [1, 5, 9, 9]]
    figure, _, _ = paper_figures._interpolation(*of)
    # The label stays while z moves along a row.
    assert greys(figure, 2) == [[3] * 4, [1] * 4]


def test_labels_come_again_where_examples_are_few():
    data = Labelled()
    of = (Obedient(), data, data.examples("train"), 0, 3, 4, "")
    figure, _, _ = paper_figures._neighbors(*of)
    again = [[3, 1, 4, 1, 1], [5, 9, 2, 6, 6], [3, 1, 4, 1, 1]]
    assert greys(figure, 3) == again
    of = (*of[:4], 10, 1, "")
    figure, _, _ = paper_figures._interpolation(*of)
    rows = [3, 1, 4, 1, 5, 9, 2, 6, 3, 1]
    assert greys(figure, 10) == [[label] * 2 for label in rows]


@pytest.mark.parametrize("name", ["num_rows", "num_columns"])
@pytest.mark.parametrize("count", [0, -1, 2.5, "3"])
def test_figures_without_rows_or_columns_are_refused(name, count):
    rule = "at least 1" if isinstance(count, int) else "an integer"
    message = (
        f"`draw_figures.{name}` must be {rule}. Received: {name}={count!r}."
    )
    with pytest.raises(ConfigurationError, match=f"^{re.escape(message)}$"):
        paper_figures.draw_figures(None, None, None, None, **{name: count})


def test_neighbours_are_the_nearest_by_brute_force():
    data = Digits()
    train = data.examples("train")
    images = data.examples("test")[:4]
    distances = ((images[:, None] - train[None]) ** 2).sum(axis=(2, 3, 4))
    np.testing.assert_array_equal(
        nearest_examples(images, data, train), train[distances.argmin(axis=1)]
    )


@pytest.mark.parametrize("which", ["digits", "line"])
def test_the_page_is_whole_and_needs_nothing_beside_it(which, request):
    folder = request.getfixturevalue(which)
    text = (folder / "report.html").read_text()
    page = Page(text)
    assert "script" not in page.tags
    assert all(link.startswith("data:image/png;base64,") for link in page.links)
    assert len(page.images) >= 3
    assert all(len(image["alt"]) > 20 for image in page.images)
    assert "url(" not in text and "@import" not in text


def test_the_page_tells_numbers_protocols_recipe_and_components(digits):
    text = (digits / "report.html").read_text()
    results = json.loads((digits / "evaluation.json").read_text())
    for result in results:
        assert f"{result['value']:.6g}" in text
        for baseline in result["baselines"]:
            assert f"{baseline['value']:.6g}" in text
    assert "beside it: training examples" in text
    assert "&quot;num_validation&quot;: 180" in text
    assert "build_gan.generator = @" in text
    assert "ganzoo.generators.mlp:build_generator" in text


def test_evaluators_may_change_when_a_run_is_looked_at_again(digits, capsys):
    status = run(
        [
            "ganzoo",
            f"--run_dir={digits}",
            "--mode=report",
            "--gin_param=evaluators.parzen.seed = 1",
        ]
    )
    assert status == 0, capsys.readouterr().err
    assert f"Report: {digits}" in capsys.readouterr().out


def test_warnings_stand_in_front_and_markup_is_escaped(tmp_path):
    folder = RunDirectory(tmp_path / "a<b>")
    result = {
        "name": "number",
        "value": 1.0,
        "protocol": {"weights": "raw", "note": "<script>"},
        "baselines": [],
        "warnings": ["Sigma < 0.1 & on the edge."],
    }
    folder.write("evaluation.json", json.dumps([result]))
    lines = [
        {"step": 2, "loss": float("nan"), "sample_diversity": 0.1},
        {"step": 2, "number/raw": 1.0},  # Of an evaluator on the way.
    ]
    for step, num in ((2, 1), (4, 2)):
        checkpoint_files.write(
            folder.path / "checkpoints" / f"step-{step:08d}",
            {"step": np.array(step)},
            {"step": step, "paths": {}, "about": {"num_rollbacks": num}},
        )
    folder.write("metrics.jsonl", "\n".join(map(json.dumps, lines)) + "\n{")
    text = write_report(folder).read_text()
    Page(text)
    assert "<script>" not in text and "a<b>" not in text
    assert "Sigma &lt; 0.1 &amp; on the edge." in text
    assert "2 time(s) a loss or a weight was not finite, and the run" in text
    assert "loss was not finite up to step 2." in text
    assert "differ 0.1 times as much as the data does" in text
    assert text.index("Warnings") < text.index("Numbers")


def test_an_empty_folder_makes_a_short_page(tmp_path):
    text = write_report(RunDirectory(tmp_path / "empty")).read_text()
    assert not Page(text).images
    assert "<h1>empty</h1>" in text


def test_nothing_logged_or_measured_is_no_curve(tmp_path):
    assert loss_curves(tmp_path / "metrics.jsonl") is None
    (tmp_path / "evaluation.json").write_text("[]")
    assert sigma_curves(tmp_path / "evaluation.json") is None


def test_curves_show_raw_and_averaged_numbers_in_one_panel(tmp_path):
    lines = [
        {"step": 2, "wall_time": 1.0, "generator_loss": 0.5},
        {"step": 2, "wall_time": 1.5, "score/raw": 1.0, "score/ema": 2.0},
        {"step": 4, "wall_time": 2.0, "score/raw": 3.0, "score/ema": 5.0},
        {"step": 4, "wall_time": 2.5, "generator_gradient_norm": 1e-3},
    ]
    path = tmp_path / "metrics.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    figure, _, _ = loss_curves(path)
    panels = {axes.get_ylabel(): axes for axes in figure.axes}
    assert list(panels) == ["loss", "norm of gradient", "score"]
    drawn = {
        curve.get_label(): curve.get_xydata().tolist()
        for curve in panels["score"].lines
    }
    assert drawn == {"raw": [[2, 1], [4, 3]], "ema": [[2, 2], [4, 5]]}
    assert panels["norm of gradient"].get_yscale() == "log"


def test_the_log_watches_diversity(digits):
    lines = (digits / "metrics.jsonl").read_text().splitlines()
    for text in lines:
        assert 0 < json.loads(text)["sample_diversity"] < 3


def test_diversity_is_the_ratio_of_deviations():
    real = np.array([[0.0, 0.0], [2.0, 4.0]])  # Variances 1 and 4.
    assert monitors._deviation(real) == pytest.approx(np.sqrt(2.5))
    assert monitors._deviation(np.ones((5, 2))) == pytest.approx(0, abs=1e-9)


def test_spread_keeps_the_ends():
    assert spread([1, 2, 3], 5) == [1, 2, 3]
    assert spread(list(range(10)), 4) == [0, 3, 6, 9]


@pytest.mark.parametrize("width", [375, 1280])
def test_a_browser_shows_the_page_without_sideways_scrolling(
    digits, tmp_path, width
):
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("needs chromium: the page is not checked in a browser")
    page = json.dumps((digits / "report.html").read_text()).replace(
        "</", "<\\/"
    )
    # The frame is as wide as the screen; scripts are the probe's, not ours.
    (tmp_path / "probe.html").write_text(
        f"<body><iframe width={width} height=800></iframe><script>"
        f"const frame = document.querySelector('iframe');"
        "frame.onload = () => {"
        "const inner = frame.contentDocument;"
        "const images = [...inner.images];"
        "document.title = JSON.stringify({"
        "width: inner.documentElement.scrollWidth,"
        "images: images.map(image => [image.naturalWidth, image.alt])});};"
        f"frame.srcdoc = {page};</script>"
    )
    done = subprocess.run(
        [
            browser,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            f"--user-data-dir={tmp_path / 'profile'}",
            "--virtual-time-budget=10000",
            "--dump-dom",
            str(tmp_path / "probe.html"),
        ],
        capture_output=True,
        text=True,
        timeout=120,
    )
    dom = done.stdout
    seen = json.loads(
        html.unescape(dom.split("<title>")[1].split("</title>")[0])
    )
    assert seen["width"] <= width
    assert len(seen["images"]) >= 5
    assert all(size > 0 and alt for size, alt in seen["images"])
