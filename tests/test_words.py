"""A bound is never called a likelihood: in names and keys, of code and of chapters."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CODE = [*ROOT.glob("src/gmcourse/**/*.py"), *ROOT.glob("tools/*.py")]
CODE += ROOT.glob("benchmarks/*.py")
TEXTS = [*ROOT.glob("notebooks/*.md"), *ROOT.glob("book/**/*.md")]

# What gives a bound, and what claims to be the thing itself.
BOUND = re.compile(
    r"\b(neg_)?elbo|iw_bound|log_w(eights)?\b|importance_weighted|bound\b"
)
CLAIM = re.compile(r"nll|likelihood|log_prob$|log_p$")


def code_of(text):
    """The cells of a chapter, magics left out."""
    cells = re.findall(r"^```\{code-cell\}[^\n]*\n(.*?)^```", text, re.M | re.S)
    code = re.sub(r"^(\s*)[%!].*", r"\1pass", "\n".join(cells), flags=re.M)
    return ast.parse(re.sub(r"^:tags:.*", "", code, flags=re.M))


def names(node):
    """All names and attributes below a node."""
    for part in ast.walk(node):
        if isinstance(part, ast.Name):
            yield part.id
        elif isinstance(part, ast.Attribute):
            yield part.attr


def misnamed(tree):
    """(line, name): a bound under the name of what it bounds."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and CLAIM.search(node.name):
            called = {
                name
                for part in ast.walk(node)
                if isinstance(part, ast.Call)
                for name in names(part.func)
            }
            if any(BOUND.search(name) for name in called):
                yield node.lineno, node.name
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(BOUND.search(name) for name in names(node.value)):
                for target in targets:
                    for name in names(target):
                        if CLAIM.search(name):
                            yield node.lineno, name
        if isinstance(node, ast.Constant) and node.value in ("nll", "likelihood"):
            yield node.lineno, node.value


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("nll = -model.iw_bound(x, k=50).mean()", True),
        ("log_likelihood = vae.elbo(x)", True),
        ("nll = -importance_weighted_bound(vae, x)", True),
        ("def likelihood(vae, x):\n    return -vae.iw_bound(x)", True),
        ("nll = -(log_w.logsumexp(0) - math.log(k))", True),
        ('metrics["nll"]', True),
        ("nll = -mixture.log_prob(x).mean()", False),
        ("neg_bound = -vae.iw_bound(x)", False),
        ("log_lik = vae.likelihood.log_prob(params, x)", False),
        ("elbo = log_lik - kl", False),
    ],
)
def test_a_bound_under_a_wrong_name_is_seen(code, found):
    assert bool(list(misnamed(ast.parse(code)))) == found


def test_no_bound_is_called_a_likelihood():
    found = [
        f"{path.relative_to(ROOT)}:{line} {name}"
        for path in CODE
        for line, name in misnamed(ast.parse(path.read_text(encoding="utf-8")))
    ]
    for path in TEXTS:
        text = path.read_text(encoding="utf-8")
        found += [f"{path.name}: {name}" for _, name in misnamed(code_of(text))]
        found += [f"{path.name}: {w}" for w in re.findall(r"iw_log_likelihood", text)]
    assert found == []
