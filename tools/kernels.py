"""Run a notebook in a fresh kernel, and measure what it used."""

import contextlib
import copy
import datetime
import json
import os
import time

import nbformat
from common import Problem
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from outputs import clean_outputs
from pairs import code_hash

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


def run(notebook, *, scale="cpu", threads=None, timeout=1800, folder):
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
