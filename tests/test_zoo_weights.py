"""The two tiers of weights, in the package or fetched and verified; their sizes."""

import shutil
from collections import Counter
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
import torch
import zoo_sizes
from loopback import served

from gmcourse import _bits, checkpoint, zoo
from gmcourse.__main__ import main
from gmcourse.data import Damaged, Unavailable, download, places
from gmcourse.zoo import _weights

ROOT = Path(__file__).parents[1]
NAME = "vae-mnist-30s"
FILE = f"{NAME}.safetensors"
BLOB = (ROOT / "weights" / FILE).read_bytes()


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def do_GET(self):
        behavior = self.path.split("/")[1]
        self.server.asked[self.path] += 1
        bodies = {"good": (200, BLOB), "wrong": (200, BLOB[::-1])}
        status, body = bodies.get(behavior, (404, b"no"))
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture(scope="module")
def server():
    with served(Handler) as server:
        yield server


@pytest.fixture
def installed(tmp_path, monkeypatch, server):
    """As in a wheel: no repository around the package, an empty cache."""
    for name in ("GMCOURSE_DATA", "GMCOURSE_OFFLINE", "GMCOURSE_STRICT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GMCOURSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(places, "SYSTEM", ())
    monkeypatch.setattr(download, "_said", set())
    monkeypatch.setattr(_weights, "CLONE", tmp_path / "nowhere")
    server.asked = Counter()
    download.forget_failures()

    def mirrors(*behaviors):
        base = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setattr(
            _weights, "MIRRORS", tuple(f"{base}/{b}/v{{version}}/" for b in behaviors)
        )

    yield mirrors
    download.forget_failures()


def cached(tmp_path):
    return [p.name for p in (tmp_path / "cache").rglob("*.safetensors")]


def fails(*words):
    with pytest.raises(Unavailable) as caught:
        zoo.load(NAME)
    message = str(caught.value)
    for word in (*words, f"The model {NAME}", f"`gmcourse zoo fetch {NAME}`", FILE):
        assert word in message, (word, message)


def test_a_clone_has_them_at_once(monkeypatch):
    monkeypatch.setattr(_weights, "Reader", None)  # nothing is fetched
    assert _weights.CLONE.samefile(ROOT / "weights")  # a link, for a mutant's copy
    assert zoo.load(NAME).latent_dim == 32


def test_an_installed_package_fetches_them_once(installed, server, tmp_path):
    installed("good")
    assert zoo.load(NAME).latent_dim == 32
    ((path, times),) = server.asked.items()
    assert path == f"/good/v0.1.0/{FILE}" and times == 1
    assert cached(tmp_path) == [FILE]
    installed("404")
    assert zoo.load(NAME).latent_dim == 32
    assert zoo.fetch(NAME) == str(tmp_path / "cache" / "weights")
    assert sum(server.asked.values()) == 1


def test_other_weights_than_the_cards_are_refused(installed, tmp_path):
    installed("wrong")
    fails("other content than expected")
    assert cached(tmp_path) == []
    installed("wrong", "404", "good")
    assert zoo.load(NAME).latent_dim == 32


def test_a_release_that_is_missing_leaves_the_main_line(installed, server):
    installed("404", "good")
    assert zoo.load(NAME).latent_dim == 32
    assert len(server.asked) == 2


def test_offline_a_sentence_says_what_to_do(installed, server, monkeypatch, capsys):
    installed("good")
    monkeypatch.setenv("GMCOURSE_OFFLINE", "1")
    fails("switched off by GMCOURSE_OFFLINE", "FOLDER/weights")
    assert main(["zoo", "fetch", NAME]) == 2
    assert f"The model {NAME} (weights) was not found" in capsys.readouterr().err
    assert not server.asked


def test_a_damaged_cache_is_fetched_again(installed, tmp_path, capsys):
    folder = tmp_path / "cache" / "weights"
    folder.mkdir(parents=True)
    (folder / FILE).write_bytes(BLOB[:1000])
    installed("good")
    assert zoo.load(NAME).latent_dim == 32
    assert "not used" in capsys.readouterr().err
    assert (folder / FILE).read_bytes() == BLOB


def test_a_folder_of_the_readers_own(installed, server, tmp_path, monkeypatch):
    """Copied from another machine; anything else under the name is an error."""
    folder = tmp_path / "mine" / "weights"
    folder.mkdir(parents=True)
    shutil.copy(ROOT / "weights" / FILE, folder)
    monkeypatch.setenv("GMCOURSE_DATA", str(tmp_path / "mine"))
    installed("good")
    assert zoo.load(NAME).latent_dim == 32 and not server.asked
    (folder / FILE).write_bytes(BLOB[::-1])
    with pytest.raises(Damaged, match="Replace or remove it"):
        zoo.load(NAME)


def test_the_command_line_fetches(installed, capsys):
    installed("good")
    assert main(["zoo", "fetch", NAME]) == 0
    assert f"{NAME}: http://127.0.0.1" in capsys.readouterr().out
    assert main(["zoo", "fetch", "vae-mnits"]) == 2
    assert "did you mean" in capsys.readouterr().err


def test_what_ships_needs_no_network_and_is_named_where_it_is_lost(
    installed, server, tmp_path, monkeypatch
):
    installed("good")
    zoo.load("vae2d-mnist")
    shutil.copy(_weights.PACKAGE / "vae2d-mnist.json", tmp_path)
    monkeypatch.setattr(_weights, "PACKAGE", tmp_path)
    with pytest.raises(FileNotFoundError, match="install the package anew"):
        zoo.load("vae2d-mnist")
    assert not server.asked


def test_the_addresses_are_the_projects():
    for mirror in _weights.MIRRORS:
        assert mirror.startswith("https://github.com/gmcourse/gmcourse/raw/")
        assert mirror.endswith("/weights/")


# ---- bits ------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(5, 7), (4, 6), (3, 2, 3, 3)])
@pytest.mark.parametrize(("bits", "size"), [(16, 2), (12, 1.5), (8, 1)])
def test_a_matrix_comes_back_to_half_a_step(shape, bits, size):
    """Of its row's own grid: rows of other magnitudes do not coarsen it."""
    scales = 10.0 ** -torch.arange(shape[0])
    matrix = torch.randn(shape) * scales.view(-1, *[1] * (len(shape) - 1))
    kept = _bits.pack("a.weight", matrix, bits)
    back = _bits.unpack(kept | {"a.bias": torch.ones(2)})
    assert set(back) == {"a.weight", "a.bias"} and back["a.weight"].shape == shape
    error = (back["a.weight"] - matrix).abs().flatten(1).amax(1)
    reach = matrix.abs().flatten(1).amax(1)
    step = reach / (2 ** (min(bits, 12) - 1) - 1)
    # A row's reach is rounded as well, to 2**-11 of itself or, near 0, to 2**-25.
    assert (error <= 0.5 * step + reach * 2**-11 + 2**-25).all()
    spent = sum(v.numel() * v.element_size() for v in kept.values())
    assert spent <= size * matrix.numel() + 2 * shape[0] + 1


@pytest.mark.parametrize("bits", [8, 12])
def test_rows_at_the_ends_of_the_numbers_stay_what_they_are(bits):
    """Zeros, next to nothing, and a magnitude that half precision rounds down."""
    matrix = torch.tensor([[0.0, 0.0], [1e-30, 0.0], [-1.00048, 1.00048]])
    back = _bits.unpack(_bits.pack("w", matrix, bits))["w"]
    assert back.tolist() == [[0, 0], [0, 0], [-1, 1]]


def test_what_cannot_be_packed_is_refused():
    with pytest.raises(ValueError, match="bits are 10; expected one of"):
        _bits.pack("w", torch.ones(2, 2), 10)
    with pytest.raises(ValueError, match="w has weights that are not finite"):
        _bits.pack("w", torch.tensor([[1.0, float("nan")]]), 8)


def test_only_large_matrices_are_kept_in_fewer_bits(tmp_path, monkeypatch):
    monkeypatch.setattr(_weights, "LARGE", 12)
    net = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Linear(3, 2))
    net.register_buffer("table", torch.randn(4, 4))
    path = _weights.write(net, tmp_path / "net.safetensors", bits=8)
    kept, _ = checkpoint.read(path)
    coarse = {k for k, v in kept.items() if v.dtype == torch.int8}
    assert coarse == {"0.weight"} and kept["table"].dtype == torch.float16


# ---- sizes -----------------------------------------------------------------------


def test_what_ships_stays_within_its_limits():
    assert zoo_sizes.too_heavy(zoo.cards()) == []
    assert sum(c["bytes"] for c in zoo.cards() if c["ships"]) <= 30_000_000


def test_a_heavy_entry_needs_a_reason():
    cards = zoo.cards()
    card = next(c for c in cards if "bytes_note" in c)
    assert card["bytes"] > zoo_sizes.ENTRY
    del card["bytes_note"]
    (found,) = zoo_sizes.too_heavy(cards)
    assert found.startswith(f"{card['name']}: ") and "bytes_note" in found


def test_chapters_and_the_package_have_limits(monkeypatch):
    cards = zoo.cards()
    monkeypatch.setattr(zoo_sizes, "CHAPTER", 1_000_000)
    monkeypatch.setattr(zoo_sizes, "PACKAGE", 1_000_000)
    found = zoo_sizes.too_heavy(cards)
    assert any("02_autoencoders adds" in line for line in found)
    assert any("bytes of weights ship" in line for line in found)
    for card in cards:
        card["ships"] = False
    found = zoo_sizes.too_heavy(cards)
    assert "03_variational_autoencoders loads vae2d-mnist, which does not ship" in found


def test_what_a_chapter_loads_is_read_from_its_code():
    text = """
zoo.load("vae2d-mnist") in the prose counts for nothing

```{code-cell} ipython3
:tags: [setup]

if True:
    %pip install gmcourse
judge = "classifier-mnist"
zoo.load(judge, device)
for name in ("ae-mnist", "ae-fashion"):
    print(len(zoo.load(name).mean), zoo.card("iwae-mnist"))
```
"""
    assert zoo_sizes.loads(text) == {"classifier-mnist", "ae-mnist", "ae-fashion"}
    loop = "for card in zoo.cards():\n    zoo.load(card['name'])"
    with pytest.raises(ValueError, match="write the names out"):
        zoo_sizes.loads(f"```{{code-cell}} ipython3\n{loop}\n```")


def test_chapters_load_what_they_are_known_to():
    found = {path.stem[:2]: names for path, names in zoo_sizes.chapters().items()}
    assert {"vae-mnist", "cvae-mnist"} <= found["00"]
    assert "classifier-mnist" in found["01"]
    assert {"ae-mnist", "ae-fashion", "ae-pixelfaces"} <= found["02"]
    assert {"vae2d-mnist", "cvae-pixelfaces", "vae-pixelfaces"} <= found["03"]
