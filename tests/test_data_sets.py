"""The sets: parts, labels, the stand-in sample, parsers, the embedded pack."""

import collections
import hashlib
import io
import json
import os
import pickle
import re
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from gmcourse import data
from gmcourse.__main__ import main
from gmcourse.data import (
    CATALOG,
    Damaged,
    Unavailable,
    download,
    formats,
    parts,
    places,
    sets,
)
from gmcourse.data.archives import members, unpickle_arrays

LOADERS = {
    "images": data.load,
    "text": data.load_text,
    "sequences": data.load_sequences,
}
FOLDER = os.environ.get("GMCOURSE_DATA", "")


@pytest.fixture
def bare(tmp_path, monkeypatch):
    """A machine that has nothing and reaches nothing."""
    for name in ("GMCOURSE_DATA", "GMCOURSE_STRICT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GMCOURSE_OFFLINE", "1")
    monkeypatch.setenv("GMCOURSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(places, "SYSTEM", ())
    monkeypatch.setattr(download, "_said", set())
    return tmp_path


def rows(part):
    return part.x if hasattr(part, "x") else part.items


EMBEDDED = {
    "mnist": (10_000, 2_000, (1, 28, 28), 10),
    "fashion_mnist": (5_000, 1_000, (1, 28, 28), 10),
    "pixelfaces": (18_000, 2_000, (3, 16, 16), 8),
    "tiles": (3_406, 378, (4, 32, 32), 8),
    "digits": (1_618, 179, (1, 8, 8), 10),
}


@pytest.mark.parametrize("name", EMBEDDED)
def test_embedded_images_work_on_a_bare_machine(name, bare):
    n_train, n_test, shape, classes = EMBEDDED[name]
    if name == "digits":
        pytest.importorskip("sklearn")
    for split, n in (("train", n_train), ("test", n_test)):
        part = data.load(name, split)
        assert part.x.shape == (n, *shape) and part.x.dtype == torch.uint8
        assert part.c.shape == (n,) and part.c.dtype == torch.int64 and len(part) == n
        assert part.x.is_contiguous() and part.x.aminmax() == (0, 255)
        assert part.c.unique().tolist() == list(range(classes))
        assert len(part.info.classes) == classes and part.info.split == split
        assert part.info.license and part.info.citation
        assert part.info.is_sample == (name in ("mnist", "fashion_mnist"))
        assert ("(sample)" in part.info.label) == part.info.is_sample


def test_digits_without_scikit_learn_say_what_to_install(bare, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(ImportError, match="pip install scikit-learn"):
        data.load("digits")


def test_labels_of_digits_are_whole_numbers_of_one_kind(bare, monkeypatch):
    """NumPy's own kind was 32 bits wide on Windows for long."""
    datasets = pytest.importorskip("sklearn.datasets")
    x, c = datasets.load_digits(return_X_y=True)
    narrow = c.astype(np.int32)
    monkeypatch.setattr(datasets, "load_digits", lambda **how: (x, narrow))
    assert formats.sklearn_digits(str.encode, "train").c.dtype == torch.int64


@pytest.mark.parametrize("name", ["mnist", "pixelfaces", "tiles"])
def test_fit_and_validation_are_train_divided(name, bare):
    train, fit, held = (data.load(name, s) for s in ("train", "fit", "validation"))
    assert len(held) == len(train) // 6 and len(fit) + len(held) == len(train)

    def count(*parts):
        images = (image.numpy().tobytes() for part in parts for image in part.x)
        return collections.Counter(images)

    assert count(fit, held) == count(train)
    # Every class is in both, also where the rows are sorted by class.
    assert fit.c.unique().tolist() == held.c.unique().tolist()


def test_the_stand_in_is_announced_once_and_strict_makes_it_an_error(
    bare, monkeypatch, capsys
):
    for split in ("train", "test"):
        assert data.load("mnist", split).info.is_sample
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "embedded sample" in said
    assert "gmcourse data fetch mnist" in said
    monkeypatch.setenv("GMCOURSE_STRICT", "1")
    with pytest.raises(Unavailable) as caught:
        data.load("mnist")
    for place in ("GMCOURSE_DATA", "cache: ", "download: ", "GMCOURSE_STRICT"):
        assert place in str(caught.value)
    monkeypatch.delenv("GMCOURSE_STRICT")
    # Whoever has set the variable is told that it was read, and what is wrong.
    for folder, why in (("no", "does not exist"), (".", "has no folder mnist")):
        monkeypatch.setenv("GMCOURSE_DATA", str(bare / folder))
        assert data.load("mnist").info.is_sample
        said = capsys.readouterr().err
        assert f"GMCOURSE_DATA was looked at: {bare / folder} {why}. `gm" in said
        assert said.count("\n") == 1
        assert run("where") == run("where", "mnist") == 0
        said = capsys.readouterr().out
        assert why in said and ("(no such folder)" in said) == (folder == "no")
    assert len(data.load("pixelfaces")) == 18_000  # it is whole: nothing stands in


def test_faces_are_labeled_by_what_they_wear(bare):
    faces = data.load("pixelfaces")
    assert faces.attributes.shape == (18_000, 17)
    assert faces.info.classes == (
        "plain", "glasses", "hat", "glasses, hat", "beard", "glasses, beard",
        "hat, beard", "glasses, hat, beard",
    )  # fmt: skip
    present = {}
    for thing in ("glasses", "hat", "beard"):
        codes, values = faces.attribute(thing)
        assert values[0] == "None" and codes.max() < len(values)
        present[thing] = codes != 0
    for code, words in enumerate(faces.info.classes):
        mine = faces.c == code
        for thing, there in present.items():
            assert (there[mine] == (thing in words)).all()
    with pytest.raises(ValueError, match=r"no attribute 'nose'.*glasses"):
        faces.attribute("nose")
    with pytest.raises(ValueError, match="It has: none"):
        data.load("tiles").attribute("hat")


@pytest.mark.parametrize("name", ["pixelfaces", "tiles"])
def test_colors_come_first_and_pictures_stay_upright(name, bare):
    file = {"pixelfaces": "pixelfaces16.npz", "tiles": "tiles32.npz"}[name]
    with np.load(Path(sets.__file__).parent / "embedded" / file) as arrays:
        stored = arrays["images"][:9]
    first = data.load(name).x[:9].numpy()
    assert (first == stored.transpose(0, 3, 1, 2)).all()


def test_all_faces_differ_and_the_test_part_is_new(bare):
    faces = [data.load("pixelfaces", s).x for s in ("train", "test")]
    distinct = {image.numpy().tobytes() for x in faces for image in x}
    assert len(distinct) == 20_000


def test_sets_are_on_the_cpu_whatever_the_default_device(bare):
    with torch.device("meta"):
        for part in (data.load("pixelfaces"), data.load("mnist", "validation")):
            assert part.x.device.type == part.c.device.type == "cpu"
        assert data.load_text("first_names").c.device.type == "cpu"


def test_texts(bare):
    plays = [data.load_text("shakespeare", s) for s in parts.SPLITS]
    train, test, fit, held = (part.text for part in plays)
    assert len(train) + len(test) == 1_040_668 and fit + held == train
    assert len(test) == 104_067 and len(plays[0]) == 1
    names = data.load_text("first_names")
    assert len(names) == 7_965 and names.info.classes == ("male", "female")
    assert names.c[names.items.index("Aaron")] == 0
    assert names.c[names.items.index("Zondra")] == 1
    molecules = data.load_text("moses")
    assert molecules.info.is_sample and len(molecules) == 45_000
    assert all(
        re.fullmatch(r"[A-Za-z0-9@+\-\[\]()=#%/\\.]+", m) for m in molecules.items
    )


def test_stand_ins_of_texts_have_the_symbols_of_the_full_sets(bare, capsys):
    """Another edition of some plays, and another list of names."""
    tiny, plays = (data.load_text(name) for name in ("tinyshakespeare", "shakespeare"))
    assert tiny.info.is_sample and not plays.info.is_sample
    kept = "".join(s for s in plays.text if s not in '[]()"12')
    assert tiny.text[:900_000] == kept[:900_000]
    test = data.load_text("tinyshakespeare", "test").text
    assert (
        f"{len(tiny.text) + len(test):,} characters"
        in CATALOG["tinyshakespeare"].sample
    )
    assert set(tiny.text + test) <= set(formats.SYMBOLS) and len(formats.SYMBOLS) == 65
    names = [data.load_text("names", split) for split in ("train", "test")]
    assert all(part.info.is_sample for part in names)
    items = [name for part in names for name in part.items]
    assert len(items) == len(set(items)) == 8_403
    assert all(re.fullmatch("[a-z]{1,15}", name) for name in items)
    whole = [data.load_text("first_names", split) for split in ("train", "test")]
    lower = {name.lower() for part in whole for name in part.items}
    assert set(items) == {name for name in lower if "-" not in name and "'" not in name}
    assert capsys.readouterr().err.count("embedded sample") == 2


def test_the_test_part_of_a_text_is_its_last_tenth():
    """Rounded up: of tiny Shakespeare 111,540 characters, as usual."""
    for n, due in ((1_115_394, 111_540), (20_000, 2_000), (11, 2), (10, 1)):
        text = formats.Parsed("a" * n, holdout="last")
        train, test = (parts.part_of(text, split).x for split in ("train", "test"))
        assert (len(train), len(test)) == (n - due, due)
    part = data.load_text("tinyshakespeare", "test")
    assert part.info.is_sample or len(part.text) == 111_540


def test_unknown_names_and_parts(bare):
    with pytest.raises(ValueError, match="Did you mean fashion_mnist"):
        data.load("fashion")
    with pytest.raises(ValueError, match=r"Known: mnist, .*fsdd\.$"):
        data.load("imagenet")
    with pytest.raises(ValueError, match="one of train, test, fit, validation"):
        data.load("mnist", "valid")
    with pytest.raises(ValueError, match=r'data\.load_text\("shakespeare"\)'):
        data.load("shakespeare")
    with pytest.raises(ValueError, match=r'data\.load\("mnist"\)'):
        data.load_sequences("mnist")
    assert data.load("Fashion-MNIST", "test").info.name == "fashion_mnist"
    with pytest.raises(Unavailable, match="no address serves them alone"):
        data.load_text("qm9")


def test_every_entry_is_complete():
    assert set(formats.FULL) == {name for name, e in CATALOG.items() if e.files}
    for name, entry in CATALOG.items():
        assert entry.kind in LOADERS and entry.title and entry.citation, name
        assert entry.license and (name in formats.EMBEDDED or entry.files), name
        assert bool(entry.sample) == (name in formats.EMBEDDED and name in formats.FULL)
        for mirror in entry.mirrors:
            assert re.fullmatch(r"https?://\S+/", mirror), mirror
        for file in entry.files:
            length = {"sha256": 64, "members": 64, "md5": 32}
            method, _, digest = file.digest.partition(":")
            assert len(digest) == length[method] and re.fullmatch("[0-9a-f]+", digest)
            assert file.megabytes > 0 and not Path(file.name).is_absolute()
        # Without an address, the reader must be told what to do.
        assert entry.mirrors or not entry.files or entry.note


# What the pack holds, independent of how it is compressed.
PACK = {
    "fashion_small.npz": "a4bf72436a19da04",
    "mnist_small.npz": "84b106ab8cbf226f",
    "pixelfaces16.npz": "15658b9ff3428b5a",
    "tiles32.npz": "f2dac25388c88a44",
    "emoji32_google.npz": "1e9aedcaefb86280",
    "emoji32_twitter.npz": "0dd33925e9c45dd3",
    "moses_50k.txt.xz": "adca069bec696c5a",
    "names.csv": "7da97d07db007fdd",
    "shakespeare_pg.txt.xz": "c0073d81586eb165",
}


def test_the_embedded_pack_is_what_it_was():
    import lzma

    folder = Path(sets.__file__).parent / "embedded"
    for name, expected in PACK.items():
        content = (folder / name).read_bytes()
        if name.endswith(".npz"):
            with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
                content = b"".join(arrays[key].tobytes() for key in sorted(arrays))
        elif name.endswith(".xz"):
            content = lzma.decompress(content)
        assert hashlib.sha256(content).hexdigest()[:16] == expected, name
        assert (folder / (name.split(".")[0] + ".LICENSE.txt")).stat().st_size > 100
    total = sum(path.stat().st_size for path in folder.iterdir())
    assert total < 7.5e6


def test_small_emoji_are_pairs_on_a_bare_machine(bare, capsys):
    """The rows of both styles are the same emoji; the test part is whole."""
    for split, n in (("train", 96), ("test", 191)):
        one, two = (data.load(f"emoji32_{s}", split) for s in ("google", "twitter"))
        assert one.x.shape == two.x.shape == (n, 3, 32, 32)
        assert torch.equal(one.c, two.c) and one.info.classes == two.info.classes
        assert one.info.is_sample and one.x.aminmax() == (0, 255)
        # In colors far apart, in shape alike: the corners of both are mostly white.
        gray = [255 - part.x.float().mean(1).flatten(1) for part in (one, two)]
        near = torch.cdist(*(g - g.mean(0) for g in gray)).argmin(1)
        assert (near == torch.arange(n)).float().mean() > 0.25  # by chance 0.01
    said = capsys.readouterr().err
    assert "tools/embed.py emoji builds it" in said and "data fetch" not in said


def test_small_emoji_are_the_large_ones_on_white():
    x = torch.zeros(1, 4, 2, 4, dtype=torch.uint8)
    x[0, :, 0, 0] = torch.tensor([255, 0, 100, 255])  # one opaque pixel of four
    x[0, :, :, 2:] = torch.tensor([10, 20, 30, 51]).view(4, 1, 1)  # a fifth opaque
    small = formats._halved_on_white(x)
    assert small.shape == (1, 3, 1, 2) and small.dtype == torch.uint8
    assert small[0, :, 0, 0].tolist() == [255, 191, 216]  # 191.25, 216.25
    assert small[0, :, 0, 1].tolist() == [206, 208, 210]


def test_the_small_emoji_open_the_full_set():
    here = Path(FOLDER or "/-")
    if not places.locate(
        CATALOG["emoji_google"], CATALOG["emoji_google"].files[0], here
    ):
        pytest.skip(NOT_HERE)
    folder = Path(sets.__file__).parent / "embedded"
    for style in ("google", "twitter"):
        large = data.load(f"emoji_{style}", "test")
        for split in ("train", "test"):
            full = data.load(f"emoji32_{style}", split)
            assert not full.info.is_sample
            parsed = formats.EMBEDDED[f"emoji32_{style}"](
                lambda file: (folder / file).read_bytes(), split
            )
            rows = slice(4, None, 18) if split == "train" else slice(None)
            assert torch.equal(full.x[rows], parsed.x), (style, split)
            assert torch.equal(full.c[rows], parsed.c)
            assert full.info.classes == parsed.classes
        x = large.x.double() / 255
        white = x[:, :3] * x[:, 3:] + 1 - x[:, 3:]
        due = 255 * torch.nn.functional.avg_pool2d(white, 2)
        assert (full.x - due).abs().max() <= 0.5 + 1e-9


NOT_HERE = (
    "a full set is not on this machine: `gmcourse data list` shows which, and "
    "`gmcourse data fetch NAME` gets it (or name its folder in GMCOURSE_DATA)"
)


def test_the_samples_open_the_full_sets():
    for name in ("mnist", "fashion_mnist"):
        if not places.locate(
            CATALOG[name], CATALOG[name].files[0], Path(FOLDER or "/-")
        ):
            pytest.skip(NOT_HERE)
        full = data.load(name)
        assert not full.info.is_sample and len(full) == 60_000
        parsed = formats.EMBEDDED[name](
            lambda file: (Path(sets.__file__).parent / "embedded" / file).read_bytes(),
            "train",
        )
        n = len(parsed.x)
        assert torch.equal(full.x[:n], parsed.x) and torch.equal(full.c[:n], parsed.c)
        assert len(data.load(name, "fit")) == 50_000
        assert torch.equal(data.load(name, "validation").x, full.x[50_000:])


FULL_SIZES = {
    "mnist": (60_000, 10_000), "fashion_mnist": (60_000, 10_000),
    "clothing": (4_859, 539), "quickdraw": (2_700, 300),
    "emoji_google": (1_720, 191), "emoji_twitter": (1_720, 191),
    "emoji32_google": (1_720, 191), "emoji32_twitter": (1_720, 191),
    "tinyshakespeare": (1, 1), "names": (28_830, 3_203),
    "moses": (1_584_663, 176_074), "qm9": (117_748, 13_083),
    "omniglot_strokes": (31_000, 1_000), "fsdd": (2_700, 300),
}  # fmt: skip


@pytest.mark.parametrize("name", FULL_SIZES)
def test_full_sets_where_they_are(name, monkeypatch):
    monkeypatch.setenv("GMCOURSE_OFFLINE", "1")
    monkeypatch.setenv("GMCOURSE_STRICT", "1")
    entry = CATALOG[name]
    load = LOADERS[entry.kind]
    try:
        train, test = load(name, "train"), load(name, "test")
    except Unavailable:
        pytest.skip(NOT_HERE)
    assert (len(train), len(test)) == FULL_SIZES[name]
    assert train.info.source and not train.info.is_sample
    if train.c is not None:
        assert len(train.c) == len(train)
        assert train.c.min() >= 0 and train.c.max() < len(train.info.classes)
    if name == "quickdraw":
        assert torch.cat([train.c, test.c]).bincount().tolist() == 3 * [1000]
    if entry.kind == "sequences":
        assert all(item.dtype == torch.int16 for item in train.items)


def idx(array):
    header = bytes([0, 0, 8, array.ndim])
    return header + np.array(array.shape, ">i4").tobytes() + array.tobytes()


def serve(entry, files, folder, monkeypatch):
    """Put made-up files in GMCOURSE_DATA and make the catalog expect them."""
    import dataclasses

    (folder / entry.name).mkdir(parents=True)
    expected = []
    for file in entry.files:
        (folder / entry.name / file.name).write_bytes(files[file.name])
        digest = "sha256:" + hashlib.sha256(files[file.name]).hexdigest()
        expected.append(dataclasses.replace(file, digest=digest))
    new = dataclasses.replace(entry, files=tuple(expected))
    monkeypatch.setitem(CATALOG, entry.name, new)
    monkeypatch.setenv("GMCOURSE_DATA", str(folder))


def test_kmnist_from_made_up_files(bare, monkeypatch):
    import gzip

    x = np.random.default_rng(0).integers(0, 256, (12, 28, 28), np.uint8)
    c = np.arange(12, dtype=np.uint8) % 10
    arrays = {"train-images": x, "train-labels": c}
    arrays |= {"t10k-images": x[:5], "t10k-labels": c[:5]}
    files = {
        file.name: gzip.compress(idx(arrays["-".join(file.name.split("-")[:2])]))
        for file in CATALOG["kmnist"].files
    }
    serve(CATALOG["kmnist"], files, bare / "d", monkeypatch)
    for split, n in (("train", 12), ("test", 5), ("fit", 10)):
        part = data.load("kmnist", split)
        assert (part.x[:, 0].numpy() == x[:n]).all()
        assert part.c.tolist() == c[:n].tolist()


def cifar_archive(batch):
    stream = io.BytesIO()
    labels = {"label_names": [f"kind {i}" for i in range(10)]}
    members = {f"data_batch_{i}": batch for i in range(1, 6)}
    members |= {"test_batch": batch, "batches.meta": pickle.dumps(labels, 4)}
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return {"cifar-10-python.tar.gz": stream.getvalue()}


def test_members_of_an_archive_are_files():
    """By their base names in order; a folder of that ending is none of them."""
    for kind in ("tar", "zip"):
        stream = io.BytesIO()
        if kind == "tar":
            with tarfile.open(fileobj=stream, mode="w:gz") as archive:
                folder = tarfile.TarInfo("all.csv")
                folder.type = tarfile.DIRTYPE
                archive.addfile(folder)
                for name in ("all.csv/b.csv", "all.csv/a.csv", "c.txt"):
                    info = tarfile.TarInfo(name)
                    info.size = len(name)
                    archive.addfile(info, io.BytesIO(name.encode()))
        else:
            with zipfile.ZipFile(stream, "w") as archive:
                for name in ("all.csv/b.csv", "all.csv/a.csv", "c.txt"):
                    archive.writestr(name, name)
        found = members(stream.getvalue(), ".csv")
        assert list(found.items()) == [
            ("a.csv", b"all.csv/a.csv"),
            ("b.csv", b"all.csv/b.csv"),
        ]


def test_cifar10_from_made_up_files(bare, monkeypatch):
    x = np.random.default_rng(0).integers(0, 256, (4, 3072), np.uint8)
    batch = pickle.dumps({"data": x, "labels": [3, 1, 4, 1]}, 4)
    serve(CATALOG["cifar10"], cifar_archive(batch), bare / "d", monkeypatch)
    train, test = data.load("cifar10"), data.load("cifar10", "test")
    assert train.x.shape == (20, 3, 32, 32) and test.c.tolist() == [3, 1, 4, 1]
    # Row-major planes: red, green, blue.
    assert (test.x[0, 1].numpy() == x[0, 1024:2048].reshape(32, 32)).all()
    assert test.info.classes[4] == "kind 4"


def test_the_names_of_classes_in_the_order_of_the_labels(bare):
    """As the papers list them: Xiao et al. (2017), Clanuwat et al. (2018)."""
    assert data.load("fashion_mnist").info.classes == (
        *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
        *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    )
    assert data.load("mnist").info.classes == tuple(map(str, range(10)))
    assert " ".join(formats.KUZUSHIJI) == "o ki su tsu na ha ma ya re wo"


def test_a_file_has_no_other_names_unless_it_says_so():
    others = {f.name: f.aliases for e in CATALOG.values() for f in e.files if f.aliases}
    assert others and all(isinstance(n, tuple) and all(n) for n in others.values())
    assert all(len(alias) > 1 for names in others.values() for alias in names)
    assert CATALOG["cifar10"].files[0].aliases == ()


def test_celeba_from_made_up_files(bare, monkeypatch):
    from PIL import Image

    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for i in range(1, 5):
            photo = io.BytesIO()
            whole = Image.new("RGB", (178, 218), (0, 255, 255))  # cut off again
            whole.paste((i * 50, 0, 0), (15, 35, 163, 183))
            whole.save(photo, "PNG")
            archive.writestr(f"img_align_celeba/{i:06}.jpg", photo.getvalue())
    names = [f"{i:06}.jpg" for i in range(1, 5)]
    table = "4\nBald Smiling\n" + "".join(f"{n} -1  1\n" for n in names)
    parts = "".join(f"{n} {p}\n" for n, p in zip(names, (0, 0, 1, 2)))
    files = {
        "img_align_celeba.zip": stream.getvalue(),
        "list_attr_celeba.txt": table.encode(),
        "list_eval_partition.txt": parts.encode(),
    }
    serve(CATALOG["celeba"], files, bare / "d", monkeypatch)
    faces = data.load("celeba", "fit")
    assert faces.x.shape == (2, 3, 64, 64) and faces.x[1, 0].eq(100).all()
    assert not faces.x[:, 1:].any()
    assert faces.attributes.tolist() == [[0, 1], [0, 1]] and faces.c.tolist() == [1, 1]
    assert faces.info.classes == ("plain", "smiling")
    assert data.load("celeba", "validation").x[0, 0].eq(150).all()
    assert data.load("celeba", "test").x[0, 0].eq(200).all()


class Evil:
    def __reduce__(self):
        return os.system, ("echo evil",)


@pytest.mark.parametrize(
    "thing",
    [Evil(), {"data": [Evil()]}, os.path.join, collections.Counter("a"), np.memmap],
)
@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_pickles_may_hold_arrays_and_nothing_else(thing, protocol, capfd):
    with pytest.raises(pickle.UnpicklingError, match="only numpy arrays are allowed"):
        unpickle_arrays(pickle.dumps(thing, protocol))
    assert "evil" not in capfd.readouterr().out


def test_pickled_arrays_come_back():
    arrays = np.empty(3, object)
    for i in range(3):
        arrays[i] = np.arange(i + 2, dtype=np.int16).reshape(-1, 1)
    back = unpickle_arrays(pickle.dumps(arrays, 4))
    assert all((a == b).all() and a.dtype == b.dtype for a, b in zip(arrays, back))


def test_a_pickle_cannot_name_another_class_as_array():
    # _reconstruct called with a class that is not ndarray.
    forged = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\ndtype\n(I0\ntS'b'\ntR."
    with pytest.raises(pickle.UnpicklingError, match="array of type"):
        unpickle_arrays(forged)


def test_a_wrong_file_is_named_and_no_sample_stands_in(bare, monkeypatch):
    folder = bare / "mine" / "mnist"
    folder.mkdir(parents=True)
    for name in ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"):
        (folder / name).write_bytes(idx(np.zeros((3, 28, 28), np.uint8)))
    monkeypatch.setenv("GMCOURSE_DATA", str(bare / "mine"))
    with pytest.raises(Damaged, match="train-images-idx3-ubyte"):
        data.load("mnist")


def run(*words):
    return main(["data", *words])


def test_command_line(bare, monkeypatch, capsys):
    assert run("list") == 0
    listed = capsys.readouterr().out
    for name, entry in CATALOG.items():
        assert name in listed and entry.license in listed and entry.citation in listed
    assert run("list", "--json") == 0
    table = json.loads(capsys.readouterr().out)
    assert table["mnist"]["at_hand"] == "sample" and table["tiles"]["at_hand"] == "yes"
    assert table["cifar10"]["at_hand"] == "no"

    assert run("where") == 0
    places = capsys.readouterr().out
    order = ["GMCOURSE_DATA", str(bare / "cache"), "off, by GMCOURSE_OFFLINE", "sample"]
    assert sorted(order, key=places.index) == order
    assert run("where", "mnist", "celeba") == 0
    assert "not on this machine" in capsys.readouterr().out
    for verb in ("where", "fetch"):  # one wrong name, and nothing is done
        assert run(verb, "pixelfaces", "mnits") == 2
        said = capsys.readouterr()
        assert "Did you mean mnist" in said.err and said.err.count("\n") == 1
        assert said.out == ""

    assert run("fetch", "pixelfaces") == 0
    assert "needs no download" in capsys.readouterr().out
    assert run("fetch", "mnist", "pixelfaces") == 1
    said = capsys.readouterr()
    assert "GMCOURSE_OFFLINE" in said.err and "needs no download" in said.out
    files = {file.name: file.name.encode() for file in CATALOG["mnist"].files}
    serve(CATALOG["mnist"], files, bare / "d", monkeypatch)
    assert run("fetch", "mnist") == 0
    assert "complete and verified" in capsys.readouterr().out
