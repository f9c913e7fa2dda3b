"""The HTTP server: real requests over real sockets, and a real browser."""

import base64
import concurrent.futures
import contextlib
import http.client
import io
import json
import shutil
import signal
import socket
import threading

import numpy as np
import processes
import pytest
import tensorflow as tf
import uvicorn
from exported_runs import points
from PIL import Image

from ganzoo.run import run
from ganzoo.serving.exports import Export
from ganzoo.serving.server import MOST_BYTES, application

MODEL = "/v1/models/digits"


class Client:
    """An HTTP client of one server."""

    def __init__(self, port):
        self.port = port

    def ask(self, method, path, body=None, **headers):
        """(status, parsed answer) of one request."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        with contextlib.closing(connection):
            if body is not None and not isinstance(body, bytes):
                body = json.dumps(body).encode()
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            text = answer.read()
            if answer.getheader("content-type") == "application/json":
                text = json.loads(text)
            return answer.status, text

    def predict(self, signature_name, **rest):
        """The answer to a prediction that succeeds."""
        body = {"signature_name": signature_name, **rest}
        status, answer = self.ask("POST", f"{MODEL}:predict", body)
        assert status == 200, answer
        return answer


@pytest.fixture(scope="module")
def export(exported_run):
    return Export(exported_run / "export")


@pytest.fixture(scope="module")
def client(export):
    app = application(export, ["127.0.0.1", "localhost"])
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(
        target=server.run, kwargs={"sockets": [listener]}, daemon=True
    )
    thread.start()
    yield Client(listener.getsockname()[1])
    server.should_exit = True
    thread.join(30)
    listener.close()


def test_status_and_metadata(client, export):
    status = {
        "version": "1",
        "state": "AVAILABLE",
        "status": {"error_code": "OK", "error_message": ""},
    }
    for path in (MODEL, f"{MODEL}/versions/1"):
        assert client.ask("GET", path) == (
            200,
            {"model_version_status": [status]},
        )
    code, found = client.ask("GET", f"{MODEL}/metadata")
    assert code == 200
    assert found["model_spec"] == {
        "name": "digits",
        "signature_name": "",
        "version": "1",
    }
    signatures = found["metadata"]["signature_def"]["signature_def"]
    assert signatures.keys() == export.signatures.keys()
    latents = signatures["serving_default"]["inputs"]["latents"]
    assert latents["dtype"] == "DT_FLOAT"
    assert [d["size"] for d in latents["tensor_shape"]["dim"]] == ["-1", "8"]
    code, about = client.ask("GET", "/metadata")
    assert (about["name"], about["step"]) == ("digits", 30)
    assert about["signatures"] == sorted(export.signatures)


def test_predictions_are_those_of_the_export(client, export):
    latents = points(3)
    expected = export.signatures["serving_default"](
        latents=tf.constant(latents)
    )["samples"].numpy()
    rows = latents.tolist()
    for body, key in (
        ({"instances": rows}, "predictions"),
        ({"instances": [{"latents": row} for row in rows]}, "predictions"),
        ({"inputs": rows}, "outputs"),
        ({"inputs": {"latents": rows}}, "outputs"),
    ):
        found = client.predict("serving_default", **body)
        assert list(found) == [key]
        np.testing.assert_allclose(found[key], expected, 0, 1e-6)
    status, found = client.ask(
        "POST", f"{MODEL}/versions/1:predict", {"instances": rows}
    )
    np.testing.assert_allclose(found["predictions"], expected, 0, 1e-6)
    by_seed = {"num": 2, "seed": 2**40}
    samples = client.predict("sample", inputs=by_seed)["outputs"]
    assert samples == client.predict("sample", inputs=by_seed)["outputs"]
    judged = client.predict("discriminate", instances=samples)["predictions"]
    assert all(0 < probability < 1 for probability in judged)
    line = {"start": rows[:1], "end": rows[1:2], "steps": 3}
    found = client.predict("interpolate", inputs=line)["outputs"]
    np.testing.assert_allclose(found[0][0], expected[0], 0, 1e-6)
    np.testing.assert_allclose(found[0][2], expected[1], 0, 1e-6)


def test_png_comes_as_b64(client):
    by_seed = {"num": 2, "seed": 3}
    pngs = client.predict("sample_png", inputs=by_seed)["outputs"]
    images = client.predict("sample_images", inputs=by_seed)["outputs"]
    for png, image in zip(pngs, images, strict=True):
        decoded = Image.open(io.BytesIO(base64.b64decode(png["b64"])))
        np.testing.assert_array_equal(
            np.asarray(decoded), np.squeeze(image, -1)
        )


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "message"),
    [
        ("GET", "/nowhere", None, 404, "Not Found: GET /nowhere"),
        (
            "POST",
            "/v1/models/other:predict",
            {},
            404,
            "Here is version 1 of the model 'digits' and no other. Received: "
            "/v1/models/other:predict.",
        ),
        (
            "GET",
            f"{MODEL}/versions/2",
            None,
            404,
            "Here is version 1 of the model 'digits' and no other. Received: "
            f"{MODEL}/versions/2.",
        ),
        ("POST", MODEL, {}, 405, f"Method Not Allowed: POST {MODEL}"),
        (
            "POST",
            f"{MODEL}:predict",
            {"instances": [[1]]},
            400,
            "`latents` must be float32 of shape [None, 8]. Received: int64 of "
            "shape [1, 1].",
        ),
        (
            "POST",
            f"{MODEL}:predict",
            {"instances": [[0] * 8] * 1025},
            400,
            "A request may ask for 1 to 1,024 samples. Received: 1,025.",
        ),
        (
            "POST",
            f"{MODEL}:predict",
            {"signature_name": "sample", "inputs": {"num": 10**9, "seed": 0}},
            400,
            "A request may ask for 1 to 1,024 samples. Received: "
            "1,000,000,000.",
        ),
        (
            "POST",
            f"{MODEL}:predict",
            {"signature_name": "sample", "inputs": {"num": -5, "seed": 0}},
            400,
            "A request may ask for 1 to 1,024 samples. Received: -5.",
        ),
        (
            "POST",
            f"{MODEL}:predict",
            {
                "signature_name": "interpolate",
                "inputs": {
                    "start": [[0] * 8],
                    "end": [[0] * 8] * 2,
                    "steps": 2,
                },
            },
            400,
            "All inputs must have the same number of rows. Received: 1, 2.",
        ),
        (
            "POST",
            f"{MODEL}:predict",
            b" " * (MOST_BYTES + 1),
            413,
            "A request's body may have 33,554,432 bytes. Received: more.",
        ),
    ],
)
def test_bad_requests_get_a_message(
    client, method, path, body, status, message
):
    assert client.ask(method, path, body) == (status, {"error": message})


def test_a_failure_of_the_server_shows_no_traceback(
    client, export, monkeypatch
):
    def fail(**inputs):
        raise RuntimeError("secret")

    monkeypatch.setattr(export, "signatures", {"latents": fail})
    body = {
        "signature_name": "latents",
        "inputs": {"num": 1, "seed": 0, "first_row": 0},
    }
    assert client.ask("POST", f"{MODEL}:predict", body) == (
        500,
        {"error": "The server failed: RuntimeError."},
    )


def test_another_name_for_this_machine_is_refused(client):
    status, _ = client.ask("GET", "/metadata", Host="evil.example")
    assert status == 400


def test_many_clients_at_once_get_what_is_theirs(client, export):
    def one(index):
        latents = points(1 + index % 5, seed=index)
        answers = [
            client.predict("serving_default", instances=latents.tolist())
            for _ in range(3)
        ]
        return latents, [answer["predictions"] for answer in answers]

    with concurrent.futures.ThreadPoolExecutor(16) as executor:
        found = list(executor.map(one, range(32)))
    for latents, answers in found:
        expected = export.signatures["serving_default"](
            latents=tf.constant(latents)
        )["samples"].numpy()
        for answer in answers:
            np.testing.assert_allclose(answer, expected, 0, 1e-6)


def test_the_command_serves_until_it_is_told_to_stop(exported_run, tmp_path):
    command = processes.Command(
        ["--mode=serve", f"--run_dir={exported_run}", "--port=0"],
        tmp_path / "log",
    )
    command.wait_until(lambda: "Serving" in command.output())
    port = int(command.output().split("127.0.0.1:")[1].split("/")[0])
    status, _ = Client(port).ask("GET", MODEL)
    assert status == 200
    command.send(signal.SIGINT)
    assert command.wait(60) == 0, command.output()
    assert "Traceback" not in command.output()


def test_a_port_that_is_taken_says_so(exported_run, client, capsys):
    status = run(
        [
            "ganzoo",
            "--mode=serve",
            f"--run_dir={exported_run}",
            f"--port={client.port}",
        ]
    )
    assert status == 2
    assert (
        f"Error: 127.0.0.1:{client.port} cannot be listened at: "
        in capsys.readouterr().err
    )


@pytest.fixture(scope="module")
def browser():
    found = shutil.which("chromium") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if not found or not driver:
        pytest.skip("There is no Chromium with its driver to look at the page.")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = found
    for argument in ("headless=new", "no-sandbox", "disable-dev-shm-usage"):
        options.add_argument(f"--{argument}")
    # Whoever asks for another host than this machine finds none.
    options.add_argument(
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
    )
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = webdriver.ChromeService(executable_path=driver)
    chrome = webdriver.Chrome(options=options, service=service)
    yield chrome
    chrome.quit()


# Selenium's own.
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_page_shows_samples_that_move(browser, client):
    from selenium.webdriver.support.wait import WebDriverWait

    def shown():
        script = (
            "return [...document.images].map((i) => i.complete && "
            "i.naturalWidth ? i.src : '')"
        )
        return browser.execute_script(script)

    def wait_for(condition):
        WebDriverWait(browser, 60).until(lambda _: condition())
        return shown()

    def move_to(share):
        browser.execute_script(
            "const slider = document.getElementById('position');"
            "slider.value = arguments[0];"
            "slider.dispatchEvent(new Event('input'));",
            share,
        )

    browser.get(f"http://127.0.0.1:{client.port}/")
    start = wait_for(lambda: len(shown()) == 16 and all(shown()))
    assert browser.find_element("id", "name").text == "digits"
    assert "step 30" in browser.find_element("id", "about").text
    seed = browser.execute_script("return Number(document.body.dataset.seed)")
    latents = client.predict(
        "latents", inputs={"num": 32, "seed": seed, "first_row": 0}
    )["outputs"]

    def pictures(rows):
        answer = client.predict("png", inputs=rows)["outputs"]
        return [f"data:image/png;base64,{png['b64']}" for png in answer]

    assert start == pictures(latents[:16])
    move_to(1)
    end = pictures(latents[16:])
    wait_for(lambda: shown() == end)
    move_to(0)
    wait_for(lambda: shown() == start)
    browser.find_element("id", "new-seed").click()
    wait_for(lambda: all(shown()) and shown() != start)
    assert browser.find_element("id", "error").text == ""
    wrong = [
        entry
        for entry in browser.get_log("browser")
        if entry["level"] == "SEVERE"
    ]
    assert not wrong
