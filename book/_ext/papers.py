"""Links to papers lead to the bibliography, which is one file for each topic."""

from pathlib import Path

from docutils import nodes
from pybtex.database import parse_file

BIBLIOGRAPHY = "book/bibliography"
FOLDER = "book/references"


def bibliography(app, config):
    """Every file of the folder is read: a new chapter brings its own."""
    files = sorted(Path(app.srcdir, FOLDER).glob("*.bib"))
    config.bibtex_bibfiles = [f"{FOLDER}/{path.name}" for path in files]


def papers(app):
    """Map each paper's URL in the bibliography to its key and a short reference."""
    found = {}
    for name in app.config.bibtex_bibfiles:
        entries = parse_file(str(Path(app.srcdir) / name)).entries
        for key, entry in entries.items():
            if "url" in entry.fields:
                names = entry.persons.get("author", [])
                who = " ".join(names[0].last_names) if names else key
                more = " et al." if len(names) > 1 else ""
                title = entry.fields["title"].replace("{", "").replace("}", "")
                hint = f"{who}{more}, {entry.fields['year']}: {title}"
                found[entry.fields["url"]] = key, hint
    return found


def cite(app, doctree, docname):
    """Lead links to known papers to the bibliography page, and from there back."""
    if app.builder.format != "html" or BIBLIOGRAPHY not in app.env.all_docs:
        return
    if docname == BIBLIOGRAPHY:
        return lead_back(app, doctree)
    for link in doctree.findall(nodes.reference):
        found = app.gmcourse_papers.get(link.get("refuri", ""))
        if found:
            key, hint = found
            page = app.builder.get_relative_uri(docname, BIBLIOGRAPHY)
            link["refuri"] = f"{page}#{key}"
            link["internal"] = True
            link["reftitle"] = hint
            link["classes"].append("paper")


def lead_back(app, doctree):
    """Each entry links to the paper by its number, and to the chapters that cite it."""
    chapters = sorted(Path(app.srcdir, "notebooks").glob("[0-9]*.md"))
    texts = {path.stem: path.read_text("utf-8") for path in chapters}
    for entry in doctree.findall(nodes.citation):
        for link in list(entry.findall(nodes.reference)):
            uri = link.get("refuri", "")
            if uri not in app.gmcourse_papers:
                continue
            link.children = [nodes.Text(number(uri))]
            before = link.parent[link.parent.index(link) - 1]
            if before.astext().endswith("URL: "):  # the style's word for it
                words = before.astext().removesuffix("URL: ")
                link.parent.replace(before, nodes.Text(words))
            places = [name for name in texts if f"({uri})" in texts[name]]
            for i, name in enumerate(places):
                page = app.builder.get_relative_uri(BIBLIOGRAPHY, f"notebooks/{name}")
                link.parent += nodes.Text(", " if i else " In chapter ")
                back = nodes.reference("", str(int(name[:2])), refuri=page)
                back["internal"] = True
                link.parent += back
            if places:
                link.parent += nodes.Text(".")


def number(uri):
    """An address as papers are quoted: arXiv:1312.6114, doi:10.1007/BF00332918."""
    for start, name in {"arxiv.org/abs/": "arXiv:", "doi.org/": "doi:"}.items():
        if start in uri:
            return name + uri.split(start)[1]
    return uri.split("//")[1].split("/")[0]


def read_papers(app):
    app.gmcourse_papers = papers(app)


def registered(app, uri):
    """Whether a DOI exists is asked of the registry: publishers refuse programs."""
    doi = "https://doi.org/"
    return uri.replace(doi, f"{doi}api/handles/") if uri.startswith(doi) else None
