"""A GPT that writes letter by letter: numbers against torch, text, keys and sliders."""

import base64
import copy
import itertools
import math
import random
import re

import pytest
import torch
from browser import chromium as chromium
from browser import page as page
from live_pages import PHONE, drawn
from live_pages import show as show

from gmcourse import live, seeded
from gmcourse.attention import rotate
from gmcourse.conditions import Labels
from gmcourse.decoding import nucleus, top_k
from gmcourse.sequences import GPT

FIGURE = "document.querySelector('.gm-live').gm"
SYMBOLS = ".abcdefg"


def asked(page, call):
    return page.evaluate(f"{FIGURE}.{call}")


def gpt(length=6, levels=8, scale=0.5, seed=0, **how):
    """Weights so large that heads look at some positions far more than at others."""
    model = GPT((length,), levels, **{"width": 12, "depth": 2, "heads": 3, **how})
    with seeded(seed), torch.no_grad():
        for p in model.parameters():
            p.normal_(0, scale)
        for norm in model.modules():
            if isinstance(norm, torch.nn.LayerNorm):
                norm.weight.add_(1)
    return model


def figure(model=None, symbols=SYMBOLS, start="", **how):
    how = {"wander": False, "label": "Letters of a test", **how}
    return live.NextToken(model or gpt(), symbols, start, **how)


def rounded(model):
    """A copy that computes in double precision with the weights rounded to fp16."""
    return copy.deepcopy(model).half().double()


def tokens(text, length, symbols=SYMBOLS):
    x = torch.zeros(1, length, dtype=torch.int64)
    for i, letter in enumerate(text):
        x[0, i] = symbols.index(letter)
    return x


@torch.no_grad()
def written_out(model, x):
    """Logits (t, levels), attention (layers, heads, t, t): all but `rotate` is here."""
    h = torch.cat([model.start.weight, model.token(x[0, :-1])]) + model.position.weight
    t, maps = len(h), []
    for block in model.net.blocks:
        attention, n = block.attention, block.attention.heads
        q, k, v = (
            part.view(t, n, -1).transpose(0, 1)
            for part in attention.qkv(block.norms[0](h)).split(h.shape[1], 1)
        )
        if attention.turn:
            q, k = rotate(q), rotate(k)
        scores = q @ k.transpose(1, 2) / math.sqrt(q.shape[-1])
        after = torch.ones(t, t).triu(1).bool()
        maps.append(scores.masked_fill(after, -math.inf).softmax(-1))
        y = maps[-1] @ v
        h = h + attention.out(y.transpose(0, 1).reshape(t, -1))
        h = h + block.mlp(block.norms[1](h))
    return model.head(model.net.norm(h)), torch.stack(maps)


def log_prob(model, text, ended, symbols=SYMBOLS):
    """Of these letters, and with ``ended`` of the end after them."""
    x = tokens(text, model.event_shape[0], symbols)
    each = written_out(rounded(model), x)[0].log_softmax(1)
    n = len(text) + ended
    return each[:n].gather(1, x[0, :n, None]).sum().item()


# ---- numbers -----------------------------------------------------------------------


@pytest.mark.browser
@pytest.mark.parametrize(
    "how",
    [
        {"length": 16, "levels": 27, "width": 48, "depth": 3, "heads": 4, "scale": 0.2},
        {"length": 12, "rotary": True},
        {"length": 7, "levels": 3, "width": 5, "depth": 1, "heads": 1},
        {"length": 1},
    ],
)
def test_logits_and_attention_equal_torch_for_every_prefix(show, how):
    """Of 20 strings, whose prefixes come in any order: rows are kept, and anew."""
    model = gpt(**how)
    length, levels = model.event_shape[0], model.levels
    symbols = "." + "abcdefghijklmnopqrstuvwxyz"[: levels - 1]
    page, reference, dice = (
        show(figure(model, symbols)),
        rounded(model),
        random.Random(0),
    )
    sharpest = 0.0
    for _ in range(20):
        text = "".join(dice.choices(symbols[1:], k=length))
        logits, maps = written_out(reference, tokens(text, length, symbols))
        own = reference.params(tokens(text, length, symbols)).view(levels, -1)
        torch.testing.assert_close(logits, own.T.detach(), atol=1e-9, rtol=0)
        cuts = list(range(length + 1))
        dice.shuffle(cuts)
        found = page.evaluate(
            """([text, cuts]) => { const { gm } = document.querySelector(".gm-live");
            return cuts.map((cut) => { gm.set(text.slice(0, cut));
              const logits = gm.logits();
              return [logits, logits.map((_, i) => gm.attention(i))]; }); }""",
            [text, cuts],
        )
        for cut, (rows, seen) in zip(cuts, found, strict=True):
            n = min(cut + 1, length)
            assert len(rows) == n
            got = torch.tensor(rows, dtype=torch.float64)
            torch.testing.assert_close(got, logits[:n], atol=1e-4, rtol=0)
            for i, heads in enumerate(seen):
                got = torch.tensor(heads, dtype=torch.float64)
                due = maps[:, :, i, : i + 1]
                torch.testing.assert_close(got, due, atol=1e-5, rtol=0)
                if i:
                    sharpest = max(sharpest, due.max().item())
    assert sharpest > 0.9 or length == 1
    single = copy.deepcopy(model).half().float()
    own = single.params(tokens(text, length, symbols)).view(levels, -1).T
    torch.testing.assert_close(own.double(), logits, atol=1e-4, rtol=0)


@pytest.mark.browser
def test_what_is_kept_is_of_the_present_text(show):
    model, dice = gpt(), random.Random(1)
    page, text = show(figure(model)), ""
    for turn in range(60):
        kind = dice.randrange(3)
        if kind == 0:
            text = text[: dice.randrange(7)] + dice.choice(SYMBOLS[1:])
            text = text[:6]
            asked(page, f"set('{text}')")
        elif kind == 1:
            asked(page, "step()")
        else:
            asked(page, "again()")
        now = asked(page, "get()")
        text = now["text"]
        if turn % 2:
            logits, maps = written_out(rounded(model), tokens(text, 6))
            got = torch.tensor(asked(page, "logits()"), dtype=torch.float64)
            torch.testing.assert_close(got, logits[: len(got)], atol=1e-4, rtol=0)
            at = len(got) - 1
            got = torch.tensor(asked(page, f"attention({at})"), dtype=torch.float64)
            torch.testing.assert_close(got, maps[:, :, at, : at + 1], atol=1e-5, rtol=0)
            due = log_prob(model, text, now["ended"])
            assert asked(page, "logProb()") == pytest.approx(due, abs=1e-4)


@pytest.mark.browser
@pytest.mark.parametrize("t", [0.2, 1.0, 2.0])
def test_what_is_drawn_from_is_what_the_library_draws_from(show, t):
    page = show(figure(gpt(scale=0.3)))
    asked(page, f"temperature({t})")
    for k, p, text in itertools.product(
        [1, 3, 8], [0.05, 0.45, 0.9, 1.0], ["", "a", "bad", "gag"]
    ):
        asked(page, f"topK({k})")
        asked(page, f"nucleus({p})")
        asked(page, f"set('{text}')")
        logits = torch.tensor(asked(page, "logits()")[-1], dtype=torch.float64)
        found = asked(page, "chances()")
        assert found["own"] == pytest.approx(logits.softmax(0).tolist(), abs=1e-12)
        due = nucleus(top_k(logits / t, k), p).softmax(0)
        assert found["drawn"] == pytest.approx(due.tolist(), abs=1e-12)


@pytest.mark.browser
def test_of_equally_likely_ones_the_first_are_kept(show):
    model = gpt()
    torch.nn.init.zeros_(model.head.weight)
    torch.nn.init.zeros_(model.head.bias)
    page = show(figure(model))
    asked(page, "topK(3)")
    third = pytest.approx([1 / 3] * 3 + [0] * 5)
    assert asked(page, "chances()")["drawn"] == third
    assert asked(page, "chances()")["own"] == pytest.approx([1 / 8] * 8)
    asked(page, "topK(8)")
    asked(page, "nucleus(0.25)")  # two hold exactly that
    assert asked(page, "chances()")["drawn"] == [0.5, 0.5, 0, 0, 0, 0, 0, 0]
    asked(page, "nucleus(0.3)")
    assert asked(page, "chances()")["drawn"] == third


def count(page, n):
    """How often each text was drawn; each of them with its log p."""
    return page.evaluate(
        """n => { const { gm } = document.querySelector(".gm-live"), found = {};
        for (let i = 0; i < n; i++) {
          gm.again();
          const [text, log_p] = gm.get().drawn[0];
          found[text] = [(found[text]?.[0] ?? 0) + 1, log_p];
        }
        return found; }""",
        n,
    )


@pytest.mark.browser
@pytest.mark.parametrize(
    "t, k, p", [(1, 3, 1.0), (0.5, 3, 1.0), (2, 2, 1.0), (1, 3, 0.8)]
)
def test_draws_have_their_probabilities(show, t, k, p):
    """All 15 texts of at most 3 letters; and log p is that of the model itself."""
    model, symbols = gpt(3, 3, 0.25, seed=10), ".ab"
    page = show(figure(model, symbols))
    for call in f"temperature({t})", f"topK({k})", f"nucleus({p})", "random(5)":
        asked(page, call)
    n, due, total = 3000, {}, 0.0
    for size in range(4):
        for text in map("".join, itertools.product("ab", repeat=size)):
            ended = size < 3
            x = tokens(text, 3, symbols)
            each = nucleus(top_k(written_out(rounded(model), x)[0] / t, k), p)
            each = each.softmax(1)[: size + ended].gather(1, x[0, : size + ended, None])
            own = log_prob(model, text, ended, symbols)
            due[text + "." * ended] = each.prod().item(), own
            total += math.exp(own)
    assert total == pytest.approx(1)
    assert sum(share for share, _ in due.values()) == pytest.approx(1)
    found = count(page, n)
    assert found.keys() <= {text for text, (share, _) in due.items() if share}
    assert len(found) > 4
    for text, (share, own) in due.items():
        times, log_p = found.get(text, (0, own))
        assert abs(times - n * share) < 5 * math.sqrt(n * share * (1 - share)) + 1
        assert log_p == pytest.approx(own, abs=1e-4)


@pytest.mark.browser
def test_the_first_letter_is_drawn_from_the_softmax_and_never_outside_of_top_k(show):
    model = gpt(scale=0.3)
    page = show(figure(model))
    first = """n => { const { gm } = document.querySelector(".gm-live");
        const counts = new Array(8).fill(0);
        for (let i = 0; i < n; i++) { gm.set(""); counts[gm.step()] += 1; }
        return counts; }"""
    n = 4000
    counts = torch.tensor(page.evaluate(first, n))
    p = written_out(rounded(model), tokens("", 6))[0][0].softmax(0)
    assert ((counts - n * p).abs() < 5 * (n * p * (1 - p)).sqrt() + 1).all()
    assert (((counts - n * p) ** 2) / (n * p)).sum() < 8 + 4 * 4
    asked(page, "topK(3)")
    counts = torch.tensor(page.evaluate(first, 500))
    assert counts.nonzero().flatten().tolist() == sorted(p.topk(3).indices.tolist())


@pytest.mark.browser
def test_the_same_state_draws_the_same(show):
    page = show(figure(gpt(12, scale=0.2)))

    def texts(state):
        asked(page, f"random({state})")
        return [asked(page, "again()") for _ in range(4)]

    first, other = texts(1), texts(2)
    assert texts(1) == first != other


# ---- what is seen ------------------------------------------------------------------


def bars(page):
    """Of each letter the heights of the two bars, and whether it is left out."""
    return page.evaluate(
        """[...document.querySelectorAll(".gm-next-bars > div")].map(column => {
        const [fill, line] = column.querySelectorAll(".gm-next-bar > div");
        return [column.lastChild.textContent, parseFloat(fill.style.height),
          parseFloat(line.style.height), column.lastChild.className !== ""]; })"""
    )


@pytest.mark.browser
def test_the_bars(show):
    page = show(figure(gpt(scale=0.3), start="ab"))
    asked(page, "temperature(0.5)")
    asked(page, "topK(4)")
    chances = asked(page, "chances()")
    own, drawn_from = chances["own"], chances["drawn"]
    most = max(own + drawn_from)
    letters, fills, lines, out = zip(*bars(page), strict=True)
    assert "".join(letters) == SYMBOLS
    assert fills == pytest.approx([100 * v / most for v in drawn_from], abs=1e-3)
    assert lines == pytest.approx([100 * v / most for v in own], abs=1e-3)
    assert list(out) == [v == 0 for v in drawn_from] and sum(out) == 4
    assert page.get_by_text("next letter after “ab”", exact=True).is_visible()
    assert page.get_by_text(f"highest bar: {most:.3f}", exact=True).is_visible()
    order = sorted(range(8), key=lambda i: -own[i])
    likely = ", ".join(f"{SYMBOLS[i]}\u00a0{drawn_from[i]:.3f}" for i in order[:3])
    held = sum(own[i] for i in order[:4])
    said = f"drawn with: {likely}; from 4 of 8, which the model gives {held:.3f}"
    assert page.locator(".gm-next-under").inner_text() == said
    name = page.get_by_role("img", name="Distribution").get_attribute("aria-label")
    assert name == f"Distribution of the next letter after “ab”: {said}"
    i = order[0]
    told = page.locator(".gm-next-bars > div").nth(i).get_attribute("title")
    assert told == (
        f"{SYMBOLS[i]}: {own[i]:.3f} by the model, {drawn_from[i]:.3f} drawn"
    )
    page.get_by_role("button", name="Sort").click()
    places = [
        column.bounding_box()["x"]
        for column in page.locator(".gm-next-bars > div").all()
    ]
    assert sorted(range(8), key=lambda i: places[i]) == order
    page.get_by_role("button", name="Sort").click()
    asked(page, "topK(2)")
    asked(page, "nucleus(0.05)")
    assert (
        page.locator(".gm-next-under")
        .inner_text()
        .startswith(f"drawn with: {SYMBOLS[i]}\u00a01.000; from 1 of 8")
    )


@pytest.mark.browser
def test_the_log_probability_of_what_is_written(show):
    model = gpt()
    page = show(figure(model))
    where = page.locator(".gm-where")
    assert where.inner_text() == "nothing written yet"
    asked(page, "set('ab')")
    due = log_prob(model, "ab", False)
    assert where.inner_text() == f"log p(ab…) = \u2212{-due:.2f} nats"
    asked(page, "temperature(2)")
    asked(page, "topK(2)")
    assert where.inner_text() == f"log p(ab…) = \u2212{-due:.2f} nats"
    asked(page, "topK(8)")
    asked(page, "set('')")
    ends = set()
    for state in range(30):
        asked(page, f"random({state})")
        text = asked(page, "again()")
        ended = text.endswith(".")
        ends.add(ended)
        due = log_prob(model, text.rstrip("."), ended)
        assert where.inner_text() == f"log p({text}) = \u2212{-due:.2f} nats"
        assert asked(page, "get()")["ended"] == ended
        if ended and text != ".":
            assert page.get_by_text(f"last letter after “{text[:-1]}”").is_visible()
    assert ends == {False, True}
    asked(page, "set('abcabc')")
    assert where.inner_text().startswith("log p(abcabc) = ")
    assert asked(page, "step()") is None
    assert asked(page, "again()") == "abcabc"


def strips(page):
    """Shown opacities, a list for each head; and the columns' headings."""
    return page.evaluate(
        """() => { const plane = document.querySelector(".gm-next-heads");
        const rows = [];
        for (const node of plane.children) {
          if (node.tagName === "SPAN") rows.push([]);
          else if (node.tagName === "DIV" && node.style.visibility !== "hidden")
            rows.at(-1).push(Number(node.firstChild.style.opacity));
        }
        const headings = [...plane.querySelectorAll("b")];
        return [rows.slice(1), headings.map(b => b.textContent),
          headings.findIndex(b => b.className.endsWith("from"))];
        }"""
    )


@pytest.mark.browser
def test_the_attention_from_the_last_and_from_picked_positions(show):
    model = gpt()
    page = show(figure(model, start="fab"))
    maps = written_out(rounded(model), tokens("fab", 6))[1]
    plane = page.get_by_role("application")

    def holds(i):
        rows, headings, at = strips(page)
        assert headings == ["▸", "f", "a", "b", "", ""] and at == i
        due = maps.flatten(0, 1)[:, i, : i + 1]
        assert torch.tensor(rows) == pytest.approx(due.float(), abs=1e-4)
        assert asked(page, "get()")["look"] == i
        start = f"letter {i}, {'fab'[i - 1]}" if i else "start"
        name = plane.get_attribute("aria-label")
        assert name.startswith(f"Letters of a test. Attention from {start}. layer 1, ")
        top = due[4].argmax().item()
        where = f"letter {top}, {'fab'[top - 1]}" if top else "start"
        assert f"layer 2, head 2: {due[4, top]:.3f} on {where}" in name

    labels = page.locator(".gm-next-heads span").all_inner_texts()
    assert labels[1:] == [f"layer {b}, head {h}" for b in (1, 2) for h in (1, 2, 3)]
    said = "Attention from letter 3, b. Rows: heads. Columns: letters"
    assert page.get_by_text(said, exact=True).is_visible()
    holds(3)
    plane.press("ArrowLeft")
    holds(2)
    page.wait_for_function(
        "document.querySelector('[aria-live]').textContent"
        ".startsWith('Attention from letter 2, a. layer 1, head 1: ')"
    )
    plane.press("ArrowLeft")
    plane.press("ArrowLeft")
    plane.press("ArrowLeft")  # held at the start
    holds(0)
    plane.press("ArrowRight")
    holds(1)
    plane.press("Home")
    holds(3)
    plane.press("ArrowRight")
    holds(3)
    box = page.locator(".gm-next-heads b").nth(1).bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 60)
    holds(1)
    box = page.locator(".gm-next-heads b").nth(5).bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 60)  # nothing stands there
    holds(3)
    asked(page, "look(2)")
    label = page.locator(".gm-next-heads span").nth(2).bounding_box()
    page.mouse.click(label["x"] + 5, label["y"] + 5)
    holds(2)
    asked(page, "step()")  # another text: from its last position
    assert asked(page, "get()")["look"] == min(4, len(asked(page, "get()")["text"]))


# ---- the reader --------------------------------------------------------------------


@pytest.mark.browser
def test_the_beginning_is_typed(show):
    page = show(figure())
    text = page.get_by_role("textbox", name="Text")
    text.click()
    page.keyboard.type("bA1. xD")
    assert text.input_value() == asked(page, "get()")["text"] == "bad"
    assert asked(page, "get()")["kept"] == 3
    page.keyboard.press("Backspace")
    assert asked(page, "get()")["text"] == "ba"
    page.keyboard.type("gggggggg")
    assert asked(page, "get()")["text"] == text.input_value() == "bagggg"
    text.fill("c.a")
    assert asked(page, "get()")["text"] == "ca" and not asked(page, "get()")["ended"]
    text.fill("fe")
    page.keyboard.press("Enter")
    done = asked(page, "get()")
    assert done["text"].startswith("fe") and done["kept"] == 2
    assert text.input_value() == done["text"]
    assert done["ended"] or len(done["text"]) == 6
    assert len(done["drawn"]) == 1
    asked(page, "set('cab')")
    assert text.input_value() == "cab"


@pytest.mark.browser
def test_the_buttons_and_the_list(show):
    model = gpt(scale=0.2)
    page = show(figure(model, start="ce"))
    one = page.get_by_role("button", name="One letter")
    one.click()
    state = asked(page, "get()")
    assert len(state["text"]) + state["ended"] == 3 and state["kept"] == 2
    finish = page.get_by_role("button", name="Finish")
    finish.click()
    first = asked(page, "get()")
    assert first["text"].startswith(state["text"])
    assert [text for text, _ in first["drawn"]] == [
        first["text"] + "." * first["ended"]
    ]
    one.click()  # a text that is finished is begun anew
    state = asked(page, "get()")
    assert len(state["text"]) + state["ended"] == 3
    for _ in range(7):
        page.get_by_role("button", name="Again").click()
        state = asked(page, "get()")
        assert state["drawn"][0][0] == state["text"] + "." * state["ended"]
        assert state["text"].startswith("ce")
    texts = state["drawn"]
    assert len(texts) == 5 and len({text for text, _ in texts}) > 2
    rows = page.locator(".gm-next-list > div").all_inner_texts()
    assert rows[0].split("\n") == ["drawn last", "log p, nats"]
    due = [[text, f"\u2212{-log_p:.2f}"] for text, log_p in texts]
    assert [row.split("\n") for row in rows[1:]] == due
    typed = page.locator(".gm-next-list b").all_inner_texts()
    assert typed == ["ce"] * 5
    finish.click()
    assert asked(page, "get()")["drawn"][1:] == texts[:4]


@pytest.mark.browser
def test_the_sliders(show):
    page = show(figure())
    heat, top, core = page.get_by_role("slider").all()
    names = ["temperature T = 1.00", "top-k: k = 8 (all)", "nucleus: p = 1.00"]
    assert page.locator(".gm-slider").all_inner_texts() == names
    heat.press("ArrowRight")
    top.press("ArrowLeft")
    core.press("ArrowLeft")
    state = asked(page, "get()")
    assert [state["temperature"], state["k"], state["p"]] == pytest.approx(
        [1.05, 7, 0.95]
    )
    names = ["temperature T = 1.05", "top-k: k = 7", "nucleus: p = 0.95"]
    assert page.locator(".gm-slider").all_inner_texts() == names
    for slider, ends in (heat, [0.2, 2]), (top, [1, 8]), (core, [0.05, 1]):
        found = []
        for key in "Home", "End":
            slider.press(key)
            found.append(float(slider.input_value()))
        assert found == ends
    state = asked(page, "get()")
    assert [state["temperature"], state["k"], state["p"]] == [2, 8, 1]
    for call in "temperature(0.1)", "topK(9)", "topK(0)", "nucleus(0)", "nucleus(NaN)":
        with pytest.raises(Exception, match="expected"):
            asked(page, call)


@pytest.mark.browser
def test_untouched_it_writes_one_text_after_the_other(page, show):
    page.clock.install()
    show(figure(gpt(scale=0.2), start="f", wander=True))
    drawn(page)
    page.clock.run_for(500)
    first = asked(page, "get()")
    assert len(first["text"]) + first["ended"] == 2  # a letter at a time
    for _ in range(40):
        page.clock.run_for(500)
        if len(asked(page, "get()")["drawn"]) > 1:
            break
    state = asked(page, "get()")
    assert len(state["drawn"]) == 2 and state["kept"] == 1
    assert {text[0] for text, _ in state["drawn"]} == {"f"}
    page.get_by_role("textbox").click()
    assert page.get_by_role("button", name="Write").count() == 1
    touched = asked(page, "get()")
    page.clock.run_for(4000)
    assert asked(page, "get()") == touched
    page.keyboard.type("a")
    assert asked(page, "get()")["text"] == (touched["text"] + "a")[:6]

    asked(page, "set('g')")
    page.get_by_role("button", name="Write").click()
    page.clock.run_for(8000)
    state = asked(page, "get()")
    assert state["ended"] or len(state["text"]) == 6  # one text, and it stops
    assert len(state["drawn"]) == len(touched["drawn"]) + 1
    assert page.get_by_role("button", name="Write").count() == 1

    page.emulate_media(reduced_motion="reduce")
    page.reload()
    drawn(page)
    page.clock.run_for(3000)
    assert asked(page, "get()")["text"] == "f"
    page.get_by_role("button", name="Write").click()
    page.clock.run_for(12_000)
    assert len(asked(page, "get()")["drawn"]) == 1  # asked for, it writes one
    assert page.get_by_role("button", name="Write").count() == 1


@pytest.mark.browser
@pytest.mark.parametrize(
    "touch",
    [
        lambda page: page.get_by_role("application").press("ArrowLeft"),
        lambda page: page.get_by_role("button", name="Sort").click(),
        lambda page: page.get_by_role("button", name="One letter").click(),
        lambda page: page.get_by_role("slider").first.press("ArrowLeft"),
    ],
)
def test_any_touch_stops_it(page, show, touch):
    page.clock.install()
    show(figure(gpt(12, scale=0.1), wander=True))
    drawn(page)
    page.clock.run_for(500)
    assert page.get_by_role("button", name="Pause").count() == 1
    touch(page)
    assert page.get_by_role("button", name="Write").count() == 1
    touched = asked(page, "get()")
    page.clock.run_for(4000)
    assert asked(page, "get()") == touched


@pytest.mark.browser
def test_blanks_and_ends_are_seen_and_a_phone_is_wide_enough(show):
    symbols = ["", " ", "\n", *"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"]
    model = gpt(32, len(symbols), 0.1, heads=4)
    page = show(figure(model, symbols, "a b\n"))
    text = page.get_by_role("textbox")
    assert text.input_value() == "a␣b↵"
    assert [letter for letter, *_ in bars(page)][:4] == ["∎", "␣", "↵", "a"]
    text.press("End")
    page.keyboard.type("A z")
    assert asked(page, "get()")["text"] == "a b\nA z"  # its own capital
    assert asked(page, "again()").startswith("a␣b↵A␣z")
    assert [u for u in page.requested if not u.startswith("data:")] == [page.url]
    for size in PHONE, {"width": 1000, "height": 800}:
        page.set_viewport_size(size)
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
        wide = page.locator(".gm-where").evaluate("e => [e.scrollWidth, e.clientWidth]")
        assert wide[0] <= wide[1]


# ---- in Python ---------------------------------------------------------------------


def test_the_weights_in_half_precision():
    model = gpt(4, 3, width=6, depth=2, heads=2)
    packed = base64.b64decode(figure(model, ".ab").data["weights"])
    found = torch.frombuffer(bytearray(packed), dtype=torch.float16)
    m, none = model, torch.zeros
    due = [m.token.weight, m.start.weight, m.position.weight]
    for block in m.net.blocks:
        (one, two), attention, mlp = block.norms, block.attention, block.mlp
        due += [one.weight, one.bias, attention.qkv.weight, none(18)]
        due += [attention.out.weight, none(6), two.weight, two.bias]
        due += [mlp[0].weight, mlp[0].bias, mlp[2].weight, mlp[2].bias]
    due += [m.net.norm.weight, m.net.norm.bias, m.head.weight, m.head.bias]
    assert torch.equal(found, torch.cat([w.detach().flatten() for w in due]).half())


def test_the_data():
    model = gpt(4, 3, width=6, depth=2, heads=3, rotary=True)
    data = figure(model, ["", "b", "a"], "ab").data
    assert data["symbols"] == ["", "b", "a"] and data["start"] == [2, 1]
    sizes = [data[name] for name in ("length", "width", "depth", "heads", "rotary")]
    assert sizes == [4, 6, 2, 3, True]
    assert figure().data["rotary"] is False


def test_the_size_of_a_model_of_names():
    model = GPT((16,), 27, width=48, depth=3, heads=4)
    figure = live.NextToken(model, ".abcdefghijklmnopqrstuvwxyz", title="</script><b>")
    html = figure._repr_html_()
    assert len(html.encode()) < 300_000
    assert html == figure._repr_html_() and html.count("</script>") == 1
    assert set(re.findall(r"https?://[^\s\"'`]+", html)) == {
        "http://www.w3.org/2000/svg"
    }


def test_the_still_and_its_caption_are_of_the_rounded_model():
    model = gpt(scale=0.3)
    with torch.no_grad():
        model.head.bias.copy_(1024 + 0.3 * torch.arange(8.0))  # rounded to whole ones
        model.head.weight.mul_(0.1)
    before = copy.deepcopy(model.state_dict())
    state = torch.random.get_rng_state()
    shown = figure(model, start="ba")
    assert torch.equal(state, torch.random.get_rng_state())
    p = written_out(rounded(model), tokens("ba", 6))[0][2].softmax(0)
    likely = [f"{SYMBOLS[i]} {p[i]:.2f}" for i in p.argsort(descending=True)[:5]]
    assert shown.caption == (
        f"The next letter after “ba”, and its probability: {', '.join(likely)}."
    )
    assert figure(model).caption.startswith("The first letter, and its probability: ")
    for name, values in model.state_dict().items():
        assert torch.equal(values, before[name])
    assert shown.still[:8] == b"\x89PNG\r\n\x1a\n" and len(shown.still) < 20_000
    assert shown.still == figure(model, start="ba").still
    assert shown.still != figure(model, start="ab").still


def with_weight(value):
    model = gpt()
    with torch.no_grad():
        model.net.blocks[1].attention.out.weight[3, 2] = value
    return model


class Other(GPT):
    pass


@pytest.mark.parametrize(
    "given, kind, words",
    [
        ([torch.nn.Linear(2, 2), "ab"], TypeError, "is a Linear; expected a GPT"),
        ([Other((6,), 8), SYMBOLS], TypeError, "Other"),
        ([gpt(condition=Labels(3)), SYMBOLS], ValueError, "condition=None"),
        ([GPT((2, 3), 8), SYMBOLS], ValueError, r"event_shape is \(2, 3\)"),
        ([gpt(33), SYMBOLS], ValueError, "at most 32 tokens"),
        ([gpt(levels=97), SYMBOLS], ValueError, "at most 96 levels"),
        ([gpt(), SYMBOLS[1:]], ValueError, "7 symbols for a model of 8 levels"),
        ([gpt(), ".abcdeff"], ValueError, "different character"),
        ([gpt(), [".", "aa", *"bcdefg"]], ValueError, "different character"),
        ([gpt(), [".", "", *"bcdefg"]], ValueError, "'' for the first alone"),
        ([gpt(), ["end", *"abcdefg"]], ValueError, "different character"),
        ([gpt(), SYMBOLS, "az"], ValueError, r"start is 'az'; \['z'\] are none"),
        ([gpt(), SYMBOLS, "a."], ValueError, r"\['.'\] are none"),
        ([gpt(), SYMBOLS, "abcdef"], ValueError, "at most 5, to leave one"),
        ([with_weight(math.nan), SYMBOLS], ValueError, "blocks.1.attention.out.weight"),
        ([with_weight(1e6), SYMBOLS], ValueError, "65,504"),
    ],
)
def test_it_refuses(as_users_run_it, given, kind, words):
    with pytest.raises(kind, match=words):
        live.NextToken(*given)
