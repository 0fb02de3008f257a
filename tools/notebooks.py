"""Pair, execute and inspect the chapters.

A chapter is one text, `notebooks/NN_name.md` (jupytext's MyST Markdown), which is
edited and reviewed, and one notebook, `notebooks/NN_name.ipynb`, which carries the
outputs that the book shows. The way is always from the text to the notebook:

    python tools/notebooks.py pair              text -> notebook, outputs kept
    python tools/notebooks.py execute 03        run in a fresh kernel, store outputs
    python tools/notebooks.py status            what is unpaired or stale (exit 1)
    python tools/notebooks.py budget            rewrite the budget cards

Outputs are kept only where the code of a cell is unchanged, and the notebook's
metadata hold a hash of the code that made them: see `code_hash`.
"""

import argparse
import contextlib
import copy
import datetime
import hashlib
import json
import os
import re
import sys
import tempfile
import time
from pathlib import Path

import jupytext
import nbformat
from filelock import FileLock
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from gmcourse import _files

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
SCALES = ("smoke", "cpu", "gpu")
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
LANGUAGE = {"file_extension": ".py", "mimetype": "text/x-python", "name": "python"}
WIDGET = "application/vnd.jupyter.widget-view+json"
CARD = re.compile(r"<!-- budget -->.*?<!-- /budget -->", re.DOTALL)
PLACES = {  # the rows of a budget card
    "cpu": "CPU",
    "small_gpu": "Small GPU (up to 24 GB)",
    "large_gpu": "Large GPU",
}

# Runs last in the chapter's own kernel, which alone knows what it used. VmHWM first:
# ru_maxrss starts from the size of the process that launched the kernel.
REPORT = """
def _report():
    import json, os, pathlib, platform, sys
    from importlib.metadata import PackageNotFoundError, version
    versions = {"python": platform.python_version()}
    for name in ("torch", "numpy", "gmcourse"):
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            pass
    status = pathlib.Path("/proc/self/status")
    if status.exists():
        line = [s for s in status.read_text().splitlines() if s.startswith("VmHWM")][0]
        peak = int(line.split()[1]) / 1024
    else:
        import resource
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        peak /= 2**20 if sys.platform == "darwin" else 2**10
    cores = os.cpu_count()
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    facts = {
        "versions": versions,
        "peak_memory_mb": round(peak),
        "place": "cpu",
        "device": f"{cores} CPU core" + "s" * (cores > 1),
    }
    torch = sys.modules.get("torch")
    if torch is not None:
        facts["threads"] = torch.get_num_threads()
        if torch.cuda.is_available():
            card = torch.cuda.get_device_properties(0)
            facts["place"] = "small_gpu" if card.total_memory < 25e9 else "large_gpu"
            facts["device"] = card.name
            facts["gpu_memory_mb"] = round(torch.cuda.max_memory_allocated() / 2**20)
    print(json.dumps(facts))
_report()
"""


class Problem(Exception):
    """What the person at the keyboard should read, without a traceback."""


# ---- files -----------------------------------------------------------------------


def write_atomically(path, text):
    """Write `text` to `path` so that a reader sees the old file or the new one.

    Returns whether the file changed; an equal file is left alone.
    """
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    _files.write(path, text.encode())
    return True


def texts(names=(), folder=NOTEBOOKS):
    """The chapters' texts, all of them or those whose names start with one of `names`.

    A name may be given as a path, with or without its ending, or as its number.
    """
    every = sorted(folder.glob("[0-9][0-9]_*.md"))
    if not names:
        return every
    found = []
    for name in names:
        stem = Path(name).name.removesuffix(".ipynb").removesuffix(".md")
        exact = [path for path in every if path.stem == stem]
        match = exact or [path for path in every if path.stem.startswith(stem)]
        if len(match) != 1:
            have = ", ".join(path.stem for path in match or every) or "none"
            what = "several chapters" if match else "no chapter"
            raise Problem(f"{name!r} names {what} of {folder}: {have}")
        found += match
    return found


def read_text(path):
    """A chapter's text as a notebook without outputs."""
    return jupytext.reads(path.read_text(encoding="utf-8"), fmt="md:myst")


def read_notebook(path):
    return nbformat.read(path, as_version=4)


def write_notebook(notebook, path):
    nbformat.validate(notebook)
    return write_atomically(path, nbformat.writes(notebook, version=4) + "\n")


# ---- pairing ---------------------------------------------------------------------


def normalized(source):
    """A cell's source without trailing spaces and outer blank lines."""
    return "\n".join(line.rstrip() for line in source.strip("\n").split("\n"))


def code_hash(notebook):
    """SHA-256 of the code cells in order: two notebooks that agree run the same."""
    code = [normalized(c.source) for c in notebook.cells if c.cell_type == "code"]
    return hashlib.sha256("\x00".join(code).encode()).hexdigest()


def cell_ids(notebook):
    """One id for each cell, made from its kind and source (and a count for repeats).

    jupytext draws new ids at random. These depend on the text alone, so pairing again
    changes nothing and an edit changes the id of the edited cell only.
    """
    seen, ids = {}, []
    for cell in notebook.cells:
        key = f"{cell.cell_type}\n{normalized(cell.source)}"
        seen[key] = seen.get(key, 0) + 1
        ids.append(hashlib.sha256(f"{key}\n{seen[key]}".encode()).hexdigest()[:12])
    return ids


def combine(text, old=None):
    """The notebook of a text, with the outputs of `old` where the code is the same.

    What `jupytext --update --to ipynb` does, but stricter: that command also keeps
    the outputs of an edited cell, and takes two cells for equal that differ in
    commas, quotes or spaces.
    """
    new = nbformat.v4.new_notebook()
    new.metadata["kernelspec"] = dict(KERNEL)
    new.metadata["language_info"] = dict(LANGUAGE)
    kept = {}
    if old is not None:
        if "gmcourse" in old.metadata:
            new.metadata["gmcourse"] = old.metadata["gmcourse"]
        kept = dict(zip(cell_ids(old), old.cells))
    for cell, name in zip(text.cells, cell_ids(text)):
        cell = copy.deepcopy(cell)
        cell["id"] = name
        if cell.cell_type == "code" and name in kept:
            cell.outputs = kept[name].outputs
            cell.execution_count = kept[name].execution_count
        new.cells.append(cell)
    return new


def pair(path):
    """Bring the notebook beside a text up to date; whether it changed."""
    target = path.with_suffix(".ipynb")
    old = read_notebook(target) if target.exists() else None
    return write_notebook(combine(read_text(path), old), target)


def differences(text, notebook):
    """Where a notebook's cells (kinds, sources, tags) differ from the text's."""

    def view(cell):
        tags = tuple(cell.metadata.get("tags", []))
        return cell.cell_type, normalized(cell.source), tags

    left, right = ([view(c) for c in nb.cells] for nb in (text, notebook))
    found = [
        f"cell {i} of the notebook is not cell {i} of the text, which begins "
        f"{a[1].splitlines()[0] if a[1] else ''!r}"
        for i, (a, b) in enumerate(zip(left, right))
        if a != b
    ]
    if len(left) != len(right):
        found.append(f"the text has {len(left)} cells, the notebook {len(right)}")
    return found[:3]


# ---- outputs ---------------------------------------------------------------------


def on_screen(text):
    """What a terminal shows of `text`: carriage returns, backspaces, erased lines."""
    lines = []
    for raw in text.split("\n"):
        if not re.search(r"[\r\b]|\x1b\[\d*K", raw):
            lines.append(raw)
            continue
        shown, at = [], 0
        for token in re.findall(r"\x1b\[[\d;]*[A-Za-z]|.", raw.removesuffix("\r")):
            if token == "\r":
                at = 0
            elif token == "\b":
                at = max(0, at - 1)
            elif token == "\x1b[2K":
                shown = [" "] * at
            elif token in ("\x1b[K", "\x1b[0K"):
                del shown[at:]
            elif not token.startswith("\x1b"):
                shown += [" "] * (at + 1 - len(shown))
                shown[at] = token
                at += 1
        lines.append("".join(shown).rstrip())
    return "\n".join(lines)


def clean_outputs(outputs):
    """The outputs as they are stored: merged, collapsed, nothing transient.

    A progress line that clears itself leaves nothing, even where a figure was shown
    in between. A widget's view is dropped: without its kernel it is an empty box.
    """
    merged = []
    for output in copy.deepcopy(outputs):
        output.pop("transient", None)
        if WIDGET in output.get("data", {}):
            continue
        if output.output_type != "stream":
            merged.append(output)
            continue
        output.text = "".join(output.text)
        last = merged[-1] if merged else None
        if last and last.output_type == "stream" and last.name == output.name:
            last.text += output.text
            continue
        if output.text.startswith("\r"):  # it overwrites what its stream left open
            earlier = [o for o in merged if o.get("name") == output.name]
            if earlier:
                earlier[-1].text = earlier[-1].text.rpartition("\n")[0] + "\n"
        merged.append(output)
    for output in merged:
        if output.output_type == "stream":
            output.text = on_screen(output.text)
    return [o for o in merged if o.output_type != "stream" or o.text.strip()]


def output_texts(cell):
    """The readable parts of a code cell's outputs, without scripts and files."""
    for output in cell.get("outputs", []):
        if output.output_type == "stream":
            yield "".join(output.text)
        for kind, data in output.get("data", {}).items():
            if kind.startswith("text/") and isinstance(data, str):
                data = re.sub(r"<script.*?</script>", "", data, flags=re.DOTALL)
                yield re.sub(r"data:[\w/+.;=-]*base64,[\w+/=\s]*", "", data)


def unstable_outputs(notebook):
    """Outputs that would differ on the next run or on another machine."""
    found = []
    for number, cell in enumerate(notebook.cells):
        for text in output_texts(cell):
            address = re.search(r"\S*\s*(at )?0x[0-9a-fA-F]{7,}", text)
            if address:
                found.append(
                    f"cell {number} prints an object's address ({address[0].strip()}): "
                    "print a value, end the line with `;`, or give the class a __repr__"
                )
            place = re.search(r"(?<![\w.:/])/(home|Users|root|tmp|work|mnt)/\S*", text)
            if place:
                found.append(
                    f"cell {number} prints a path of this machine ({place[0]}): "
                    "print the file's name, or mend the warning"
                )
    return found


# ---- execution -------------------------------------------------------------------


@contextlib.contextmanager
def surroundings(scale, threads):
    """Environment and cores for a kernel: a chapter's cpu scale means two cores."""
    before, cores = dict(os.environ), None
    os.environ["GMCOURSE_SCALE"] = scale
    os.environ["PYTHONHASHSEED"] = "0"  # printed sets keep their order
    os.environ.pop("MPLBACKEND", None)  # the kernel's own
    if threads is not None:
        os.environ["OMP_NUM_THREADS"] = str(threads)
    if scale != "gpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
        if hasattr(os, "sched_setaffinity"):
            cores = os.sched_getaffinity(0)
            os.sched_setaffinity(0, sorted(cores)[:2])
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        if cores is not None:
            os.sched_setaffinity(0, cores)


def run(notebook, *, scale="cpu", threads=None, timeout=1800, folder=NOTEBOOKS):
    """Execute a copy of `notebook` in a fresh kernel; return it with clean outputs.

    `timeout` is in seconds for one cell. Raises Problem where a cell fails.
    """
    done = copy.deepcopy(notebook)
    done.cells.append(nbformat.v4.new_code_cell(REPORT))
    client = NotebookClient(
        done,
        timeout=timeout,
        startup_timeout=180,  # many kernels may start at once on a small machine
        kernel_name="python3",
        record_timing=False,
        store_widget_state=False,
        extra_arguments=["--IPKernelApp.log_level=ERROR"],
        resources={"metadata": {"path": str(folder)}},
    )
    started = time.perf_counter()
    try:
        with surroundings(scale, threads):
            client.execute()
    except CellExecutionError as error:
        number = next(
            i
            for i, cell in enumerate(done.cells)
            if any(o.output_type == "error" for o in cell.get("outputs", []))
        )
        raise Problem(f"cell {number} failed:\n{error}") from None
    except (CellTimeoutError, DeadKernelError) as error:
        raise Problem(str(error)) from None
    seconds = time.perf_counter() - started
    facts = json.loads(done.cells.pop().outputs[0].text)
    for cell in done.cells:
        if cell.cell_type == "code":
            cell.outputs = clean_outputs(cell.outputs)
            cell.metadata.pop("execution", None)
    done.metadata.pop("widgets", None)
    done.metadata["gmcourse"] = {
        "code_hash": code_hash(notebook),
        "scale": scale,
        "executed": datetime.date.today().isoformat(),
        "seconds": round(seconds, 1),
        **facts,
    }
    return done


def execute(path, *, scale="cpu", threads=None, timeout=1800, measure_only=False):
    """Execute a chapter, store its outputs and its budget; return what to mend.

    The text is read again at the end, so that prose edited meanwhile is kept. Code
    edited meanwhile makes the outputs stale, which `status` reports.
    """
    done = run(
        read_text(path),
        scale=scale,
        threads=threads,
        timeout=timeout,
        folder=path.parent,
    )
    facts = done.metadata["gmcourse"]
    if scale == "gpu" and facts["place"] == "cpu":
        raise Problem("--scale gpu, but no CUDA device was found: nothing is stored")
    if scale != "smoke":
        entry = {
            k: facts[k] for k in ("seconds", "peak_memory_mb", "device", "executed")
        }
        entry |= {k: facts[k] for k in ("threads", "gpu_memory_mb") if k in facts}
        merge_budgets({path.stem: {facts["place"]: entry}}, path.parent)
    if not measure_only:
        render_card(path)
        write_notebook(combine(read_text(path), done), path.with_suffix(".ipynb"))
    return unstable_outputs(done)


# ---- the budget card -------------------------------------------------------------


def read_budgets(folder=NOTEBOOKS):
    file = folder / "budgets.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}


def merge_budgets(new, folder=NOTEBOOKS):
    """Add measurements {chapter: {place: entry}} to budgets.json."""
    for entries in new.values():
        unknown = sorted(set(entries) - set(PLACES))
        if unknown:
            raise Problem(f"unknown places {unknown}: expected {sorted(PLACES)}")
    key = hashlib.sha256(str(Path.home()).encode()).hexdigest()[:12]  # one a person
    with FileLock(Path(tempfile.gettempdir()) / f"gmcourse-budgets-{key}.lock"):
        budgets = read_budgets(folder)
        for chapter, entries in new.items():
            budgets.setdefault(chapter, {}).update(entries)
        text = json.dumps(budgets, indent=1, sort_keys=True) + "\n"
        write_atomically(folder / "budgets.json", text)


def measured(entries):
    """The measured rows of a chapter's card, one for each of PLACES."""

    def size(megabytes):
        return f"{megabytes / 1024:.1f} GB"

    rows = []
    for place, label in PLACES.items():
        entry = entries.get(place)
        if entry is None:
            label = "CPU, 2 cores" if place == "cpu" else label
            rows.append(f"| {label} | not measured |")
            continue
        minutes = round(entry["seconds"] / 60)
        spent = f"{minutes} minute" + "s" * (minutes > 1)
        spent = spent if minutes else "under 1 minute"
        cost = f"{spent}, {size(entry['peak_memory_mb'])} of memory"
        if place == "cpu":
            label = f"CPU, {entry['device'].replace(' CPU', '')}"
        else:
            label = f"{label.split(' (')[0]}, {entry['device']}"
            cost += f", {size(entry['gpu_memory_mb'])} on the GPU"
        rows.append(f"| {label} | {cost} |")
    return rows


def with_card(text, entries):
    """A chapter's text with the measured rows of its card renewed.

    The card is a table of two columns between two comments. Rows that the author
    wrote (prerequisites, data) stay and come first.
    """
    starts = tuple(f"| {label.split(' (')[0]}" for label in PLACES.values())

    def renew(match):
        lines = [line.strip() for line in match[0].splitlines()]
        own = [line for line in lines if line.startswith("|")]
        own = [line for line in own if not line.startswith(starts)]
        own = own or ["| | |", "| --- | --- |"]
        table = "\n".join(own + measured(entries))
        return f"<!-- budget -->\n\n{table}\n\n<!-- /budget -->"

    return CARD.sub(renew, text, count=1)


def render_card(path):
    """Renew the card in a chapter's text; whether the text changed."""
    text = path.read_text(encoding="utf-8")
    entries = read_budgets(path.parent).get(path.stem, {})
    return write_atomically(path, with_card(text, entries))


# ---- status ----------------------------------------------------------------------


def status(path):
    """What is wrong with a chapter's notebook, as sentences."""
    target = path.with_suffix(".ipynb")
    if not target.exists():
        return [f"{target.name} is missing: run `make execute`"]
    text, notebook = read_text(path), read_notebook(target)
    found = differences(text, notebook)
    if found:
        found.append("not paired: run `python tools/notebooks.py pair`")
    facts = notebook.metadata.get("gmcourse", {})
    if not facts:
        found.append("never executed: run `make execute`")
    elif facts["code_hash"] != code_hash(text):
        found.append("the outputs are from older code: run `make execute`")
    elif facts["scale"] == "smoke":
        found.append("the outputs are of the smoke scale: run `make execute`")
    current = path.read_text(encoding="utf-8")
    if CARD.search(current):
        entries = read_budgets(path.parent).get(path.stem, {})
        if current != with_card(current, entries):
            found.append(
                "the budget card is old: run `python tools/notebooks.py budget`"
            )
    return found


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--folder", type=Path, default=NOTEBOOKS, help=argparse.SUPPRESS
    )
    commands = parser.add_subparsers(dest="command", required=True)

    def command(name, text):
        sub = commands.add_parser(name, help=text, description=text)
        sub.add_argument("names", nargs="*", metavar="NAME", help="03 or 03_name")
        return sub

    command("pair", "bring the notebooks up to date with their texts, outputs kept")
    sub = command("execute", "run chapters in fresh kernels and store the outputs")
    sub.add_argument("--scale", choices=SCALES, default="cpu")
    sub.add_argument("--timeout", type=int, default=1800, help="seconds for one cell")
    sub.add_argument("--threads", type=int, help="OMP_NUM_THREADS (default: as it is)")
    sub.add_argument("--stale", action="store_true", help="only those status reports")
    sub.add_argument(
        "--measure-only", action="store_true", help="write budgets.json, no outputs"
    )
    command("status", "report what is unpaired or stale; exit 1 if anything is")
    sub = command("budget", "rewrite the budget cards from notebooks/budgets.json")
    sub.add_argument("--merge", type=Path, help="first add another budgets.json")
    options = parser.parse_args(arguments)

    failed = False
    try:
        chapters = texts(options.names, options.folder)
        if options.command == "budget" and options.merge:
            merge_budgets(json.loads(options.merge.read_text()), options.folder)
        for path in chapters:
            if options.command == "pair":
                print(f"{path.stem}: {'paired' if pair(path) else 'unchanged'}")
            elif options.command == "budget":
                changed = render_card(path)
                pair(path)
                print(f"{path.stem}: {'card renewed' if changed else 'unchanged'}")
            elif options.command == "status":
                found = status(path)
                failed |= bool(found)
                for line in found or ["current"]:
                    print(f"{path.stem}: {line}")
            else:
                failed |= not execute_and_say(path, options)
    except Problem as problem:
        print(problem, file=sys.stderr)
        return 2
    return int(failed)


def execute_and_say(path, options):
    if options.stale and not status(path):
        print(f"{path.stem}: current")
        return True
    print(f"{path.stem}: executing at scale {options.scale}", flush=True)
    started = time.perf_counter()
    try:
        found = execute(
            path,
            scale=options.scale,
            threads=options.threads,
            timeout=options.timeout,
            measure_only=options.measure_only,
        )
    except Problem as problem:
        print(f"{path.stem}: {problem}", file=sys.stderr)
        return False
    print(f"{path.stem}: done in {time.perf_counter() - started:.0f} s")
    for line in found:
        print(f"{path.stem}: {line}", file=sys.stderr)
    return not found


if __name__ == "__main__":
    sys.exit(main())
