"""The outputs of a chapter's cells, as they are stored."""

import copy
import re

WIDGET = "application/vnd.jupyter.widget-view+json"
PLAIN = "text/plain"


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
    in between. A widget's view is dropped, since without its kernel it is an empty box;
    what else its cell shows, for such a page, stays.
    """
    merged = []
    for output in copy.deepcopy(outputs):
        output.pop("transient", None)
        if WIDGET in output.get("data", {}):
            del output.data[WIDGET]
            if output.data.keys() <= {PLAIN}:
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
