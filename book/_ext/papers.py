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
    """Lead links to known papers to the bibliography page."""
    if docname == BIBLIOGRAPHY or BIBLIOGRAPHY not in app.env.all_docs:
        return
    if app.builder.format != "html":
        return
    for link in doctree.findall(nodes.reference):
        found = app.gmcourse_papers.get(link.get("refuri", ""))
        if found:
            key, hint = found
            page = app.builder.get_relative_uri(docname, BIBLIOGRAPHY)
            link["refuri"] = f"{page}#{key}"
            link["internal"] = True
            link["reftitle"] = hint
            link["classes"].append("paper")


def read_papers(app):
    app.gmcourse_papers = papers(app)


def registered(app, uri):
    """Whether a DOI exists is asked of the registry: publishers refuse programs."""
    doi = "https://doi.org/"
    return uri.replace(doi, f"{doi}api/handles/") if uri.startswith(doi) else None
