// A small GPT writes letter by letter, for next_token.py.  Above: the text and the
// distribution of its next letter.  Below: what each head looks at, and what was drawn.
GM.figures.next_token = function (data, root) {
  const { el, number, random, speaker, slider, buttons, keys, motion } = GM.tools;
  const { length, width, depth, heads, symbols } = data;
  const levels = symbols.length, size = width / heads, END = 0;
  const RATE = 3, LISTED = 5; // letters a second; texts in the list

  // ---- the model -------------------------------------------------------------

  const weights = GM.half(GM.bytes(data.weights));
  let used = 0;
  const take = (n) => weights.subarray(used, (used += n));
  const linear = (into, out) => GM.layers.linear(take, into, out), gelu = GM.layers.gelu();
  function norm() {
    const scale = take(width), shift = take(width);
    return function (x) {
      const mean = x.reduce((sum, v) => sum + v, 0) / width;
      const variance = x.reduce((sum, v) => sum + (v - mean) ** 2, 0) / width;
      return x.map((v, j) => ((v - mean) / Math.sqrt(variance + 1e-5)) * scale[j] + shift[j]);
    };
  }
  const token = take(levels * width), begin = take(width), position = take(length * width);
  const blocks = Array.from({ length: depth }, () => ({
    before: norm(), qkv: linear(width, 3 * width), out: linear(width, width),
    between: norm(), up: linear(width, 4 * width), down: linear(4 * width, width),
    // Kept, a row for each position: keys and values; of each head the attention.
    keys: new Float32Array(length * width), values: new Float32Array(length * width),
    seen: Array.from({ length: heads }, () => new Float32Array(length * length)),
  }));
  const last = norm(), head = linear(width, levels);
  const logits = new Float32Array(length * levels);
  const row = (table, i, n) => table.subarray(i * n, (i + 1) * n);
  const add = (x, y) => x.map((v, j) => v + y[j]);

  function softmax(x) {
    const most = Math.max(...x), e = Array.from(x, (v) => Math.exp(v - most));
    const sum = e.reduce((a, b) => a + b);
    return e.map((v) => v / sum);
  }
  function turn(x, place) { // rotary positions: in each head, the halves of the channels
    for (let j = 0; data.rotary && j < width; j++) {
      const k = j % size;
      if (k >= size / 2) continue;
      const angle = place * 10000 ** ((-2 * k) / size), c = Math.cos(angle), s = Math.sin(angle);
      const a = x[j], b = x[j + size / 2];
      x[j] = a * c - b * s;
      x[j + size / 2] = a * s + b * c;
    }
    return x;
  }
  function attend(block, x, place) { // to itself and all before, whose keys are kept
    const [q, k, v] = [0, 1, 2].map((part) => row(block.qkv(x), part, width));
    block.keys.set(turn(k, place), place * width);
    block.values.set(v, place * width);
    turn(q, place);
    const y = new Float32Array(width);
    for (let h = 0; h < heads; h++) {
      const scores = new Float32Array(place + 1), from = h * size;
      for (let i = 0; i <= place; i++) {
        for (let j = from; j < from + size; j++) scores[i] += q[j] * block.keys[i * width + j];
      }
      const share = softmax(scores.map((s) => s / Math.sqrt(size)));
      block.seen[h].set(share, place * length);
      share.forEach(function (p, i) {
        for (let j = from; j < from + size; j++) y[j] += p * block.values[i * width + j];
      });
    }
    return block.out(y);
  }

  let tokens = [], kept = 0; // kept: the first ones, which the reader has typed
  let look = null, ready = 0, uniform = random(11); // look: a position that was picked
  const how = { temperature: 1, k: levels, p: 1 };

  function reach(end) { // the logits of all positions before `end`
    for (; ready < end; ready++) {
      let x = add(ready ? row(token, tokens[ready - 1], width) : begin, row(position, ready, width));
      for (const block of blocks) {
        x = add(x, attend(block, block.before(x), ready));
        x = add(x, block.down(gelu(block.up(block.between(x)))));
      }
      logits.set(head(last(x)), ready * levels);
    }
    return logits;
  }
  function put(next) {
    let same = 0;
    while (same < next.length && next[same] === tokens[same]) same++;
    ready = Math.min(ready, same + 1);
    tokens = next;
    look = null;
  }
  const ended = () => tokens.at(-1) === END, done = () => ended() || tokens.length === length;
  const letters = () => tokens.slice(0, tokens.length - ended());
  const here = () => Math.min(letters().length, length - 1); // the last position
  const at = (i) => row(reach(i + 1), i, levels);
  function chances() { // of the next letter: the model's own, and that it is drawn from
    const l = Array.from(at(here())), tempered = softmax(l.map((v) => v / how.temperature));
    const order = [...l.keys()].sort((a, b) => l[b] - l[a] || a - b), top = order.slice(0, how.k);
    const among = top.reduce((sum, i) => sum + tempered[i], 0), drawn = new Array(levels).fill(0);
    let before = 0; // of what is likelier
    for (const i of top) {
      if (how.p < 1 && before >= how.p * among) break;
      drawn[i] = tempered[i];
      before += tempered[i];
    }
    return { own: softmax(l), drawn: drawn.map((v) => v / before), order };
  }
  function advance() { // one letter, or the end; null where the text is finished
    if (done()) return null;
    const { drawn, order } = chances();
    let left = uniform(), next = order[0]; // that one if sums are rounded to below 1
    for (let i = 0; i < levels; i++) {
      left -= drawn[i];
      if (left < 0) {
        next = i;
        break;
      }
    }
    put([...tokens, next]);
    if (done()) list();
    return next;
  }
  const log_prob = () => tokens.reduce((sum, t, i) => sum + Math.log(softmax(at(i))[t]), 0);

  // ---- what is seen ----------------------------------------------------------

  const visible = (s) => ({ "": "\u220e", " ": "\u2423", "\n": "\u21b5", "\t": "\u21e5" }[s] ?? s);
  const shown = symbols.map(visible), written = (some) => some.map((t) => shown[t]).join("");
  const short = (words) => (words.length > 18 ? `\u2026${words.slice(-16)}` : words);
  const style = el("style", {}, `
.gm-next input[type=text]{font:inherit;color:inherit;background:var(--gm-panel);min-width:0;
  border:1px solid var(--gm-edge);border-radius:6px;padding:.15rem .5rem;min-height:28px;width:11rem}
.gm-next .gm-buttons{flex-wrap:wrap;align-items:center;margin:0 0 .7rem}
.gm-next .gm-near{text-align:left}
.gm-next .gm-where{white-space:normal;overflow-wrap:anywhere}
.gm-next-bars{display:flex;margin-top:.2rem;overflow-x:auto}
.gm-next-bars>div{flex:1 0 11px;text-align:center;font-size:12px}
.gm-next-bar{position:relative;height:110px;border-bottom:1px solid var(--gm-axis);margin-bottom:1px}
.gm-next-bar *{position:absolute;bottom:0;left:18%;right:18%}
.gm-next-bar :last-child{left:4%;right:4%;border:1.5px solid var(--gm-ink);border-bottom:0}
.gm-next-out{opacity:.35}
.gm-next-heads{display:grid;gap:2px;cursor:pointer;border-radius:4px;outline-offset:3px;
  user-select:none;-webkit-user-select:none;font-size:12px;align-items:center}
.gm-next-heads:focus-visible{outline:3px solid var(--gm-focus)}
.gm-next-heads span{padding-right:.4em;color:var(--gm-soft);white-space:nowrap}
.gm-next-heads b{font-weight:400;text-align:center;border-radius:4px;line-height:1.35}
.gm-next-heads .gm-next-from{box-shadow:inset 0 0 0 1.5px var(--gm-ink);font-weight:600}
.gm-next-heads div{background:var(--gm-line);border-radius:2px;height:13px}
.gm-next-heads i{display:block;height:100%;border-radius:2px;background:var(--gm-c4)}
.gm-next-list{margin-top:.8rem;font-size:.9em;min-height:${1.45 * (LISTED + 1)}em}
.gm-next-list div{display:flex;justify-content:space-between;gap:1em}
.gm-next-list b{font-weight:600}
@container (max-width:540px){.gm-next-under{min-height:2.9em}}`);
  const text = (name = "gm-near") => el("div", { class: name });
  const title = text(), scale = text("gm-value gm-near"), under = text("gm-near gm-next-under");
  const where = text("gm-where"), about = text(), spoken = speaker();
  const drawn = [], texts = el("div", { class: "gm-next-list" },
    el("div", { class: "gm-near" }, el("span", {}, "drawn last"), el("span", {}, "log p, nats")));

  const input = el("input", { type: "text", maxlength: length, autocomplete: "off",
    autocapitalize: "none", spellcheck: "false" });
  const columns = shown.map(function (symbol) {
    const fill = el("div", { class: "gm-back0" }), line = el("div"), letter = el("div", {}, symbol);
    return { fill, line, letter, node: el("div", {}, el("div", { class: "gm-next-bar" }, fill, line), letter) };
  });
  const bars = el("div", { class: "gm-next-bars", role: "img" }, ...columns.map(({ node }) => node));
  let sorted = false;

  const heading = Array.from({ length }, () => el("b"));
  const strips = blocks.flatMap((block, b) => block.seen.map((seen, h) => ({ seen,
    name: `layer ${b + 1}, head ${h + 1}`, cells: Array.from({ length }, () => el("i")) })));
  const plane = el("div", { class: "gm-next-heads", tabindex: 0, role: "application",
    "aria-roledescription": "attention by position",
    style: `grid-template-columns:auto repeat(${length},minmax(0,1fr))` },
    el("span"), ...heading, ...strips.flatMap(({ name, cells }, i) => [
      el("span", { style: i % heads ? "" : "padding-top:.35em" }, name),
      ...cells.map((cell) => el("div", { style: i % heads ? "" : "margin-top:.35em" }, cell))]));
  const stands = (i) => (i ? shown[tokens[i - 1]] : "start");
  const looking = () => look ?? here();
  const share = (v) => (v < 0.0005 ? "< 0.001" : number(v, 3));

  function show() {
    const end = here(), { own, drawn: q, order } = chances(), from = looking();
    const begins = written(letters()), most = Math.max(...own, ...q);
    if (input.value !== begins) input.value = begins;
    columns.forEach(function ({ fill, line, letter, node }, i) {
      fill.style.height = `${(100 * q[i]) / most}%`;
      line.style.height = `${(100 * own[i]) / most}%`;
      line.style.visibility = own[i] / most < 0.01 ? "hidden" : "";
      letter.className = q[i] ? "" : "gm-next-out";
      letter.style.fontWeight = ended() && i === END ? "600" : "";
      node.style.order = sorted ? order.indexOf(i) : i;
      node.title = `${shown[i]}: ${share(own[i])} by the model, ${q[i] ? share(q[i]) : "never"} drawn`;
    });
    const left = q.filter((v) => v > 0).length, held = q.reduce((sum, v, i) => sum + (v && own[i]), 0);
    const likely = order.slice(0, Math.min(3, left)).map((i) => `${shown[i]}\u00a0${share(q[i])}`);
    const after = end ? ` after \u201c${short(written(tokens.slice(0, end)))}\u201d` : "";
    title.textContent = `${done() ? "last" : "next"} letter${after}`;
    scale.textContent = `highest bar: ${share(most)}`;
    under.textContent = `drawn with: ${likely.join(", ")}`
      + (left < levels ? `; from ${left} of ${levels}, which the model gives ${share(held)}` : "");
    const so_far = short(written(tokens)) + (done() ? "" : "\u2026");
    where.textContent = tokens.length ? `log p(${so_far}) = ${number(log_prob())} nats` : "nothing written yet";

    heading.forEach(function (node, i) {
      node.textContent = i > end ? "" : i ? stands(i) : "\u25b8";
      node.className = i === from ? "gm-next-from" : i > from ? "gm-next-out" : "";
    });
    const words = strips.map(function ({ seen, name, cells }) {
      const to = row(seen, from, length).subarray(0, from + 1);
      cells.forEach(function (cell, i) {
        cell.style.opacity = to[i] ?? 0;
        cell.parentNode.style.visibility = i > from ? "hidden" : "";
      });
      const top = to.indexOf(Math.max(...to));
      return `${name}: ${share(to[top])} on ${top ? `letter ${top}, ${stands(top)}` : "start"}`;
    });
    const what = `Attention from ${from ? `letter ${from}, ${stands(from)}` : "start"}`;
    about.textContent = `${what}. Rows: heads. Columns: letters`;
    plane.setAttribute("aria-label", `${data.label}. ${what}. ${words.join("; ")}`);
    bars.setAttribute("aria-label", `Distribution of the ${title.textContent}: ${under.textContent}`);
    spoken.say(`${where.textContent}, ${done() ? "finished" : bars.getAttribute("aria-label")}`);
  }
  function list() { // a finished text, with the model's own log-probability
    drawn.unshift([written(tokens), log_prob()]);
    drawn.length = Math.min(drawn.length, LISTED);
    const [typed, rest] = [tokens.slice(0, kept), tokens.slice(kept)].map((some) => short(written(some)));
    texts.children[0].after(el("div", {}, el("span", {}, el("b", {}, typed), rest),
      el("span", { class: "gm-value" }, number(drawn[0][1]))));
    texts.children[LISTED + 1]?.remove();
  }

  // ---- the reader ------------------------------------------------------------

  let due = 0, rest = 0, alone = data.wander;
  const run = motion(root, "Write", data.wander, function (seconds) {
    const more = Math.max(0, seconds); // a first frame may begin early
    if (done()) {
      if (!alone) return run.stop();
      rest += more;
      if (rest > 2) restart();
      return;
    }
    due += RATE * more;
    if (due < 1) return;
    for (; due >= 1; due--) advance();
    show();
  });
  run.button.addEventListener("click", function () {
    alone = false;
    if (run.button.getAttribute("aria-pressed") === "false" && done()) restart();
  }, true);
  function restart() { // from what the reader typed
    due = rest = 0;
    put(tokens.slice(0, kept));
    show();
  }
  function finish() {
    if (done()) restart();
    while (advance() !== null);
    show();
    return written(tokens);
  }
  function again() {
    restart();
    return finish();
  }
  function step() {
    if (done()) restart();
    const next = advance();
    show();
    return next;
  }
  function type(text) { // other letters are left out; capitals are tried as small ones
    const known = (s) => Math.max(symbols.indexOf(s), shown.indexOf(s));
    const found = Array.from(text, (s) => Math.max(known(s), known(s.toLowerCase())));
    put(found.filter((t) => t > END).slice(0, length));
    kept = tokens.length;
    restart();
  }
  function stop() {
    alone = false;
    run.stop();
  }
  const touched = (act) => function () {
    stop();
    act();
  };
  input.addEventListener("focus", stop);
  input.addEventListener("input", touched(() => type(input.value)));
  input.addEventListener("keydown", function (event) {
    event.stopPropagation(); // not Jupyter's
    if (event.key === "Enter") touched(finish)();
  });
  const pick = (i) => {
    look = i === null ? null : Math.min(here(), Math.max(0, i));
    show();
    spoken.say(plane.getAttribute("aria-label").slice(data.label.length + 2));
  };
  plane.addEventListener("click", function (event) {
    const left = heading[0].getBoundingClientRect().left, right = heading.at(-1).getBoundingClientRect().right;
    if (event.clientX < left) return;
    touched(() => pick(Math.floor(((event.clientX - left) / (right - left)) * length)))();
  });
  keys(plane, stop, (right) => pick(right === null ? null : looking() + right));

  const sort = el("button", { type: "button", "aria-pressed": "false" }, "Sort");
  sort.addEventListener("click", touched(function () {
    sorted = !sorted;
    sort.setAttribute("aria-pressed", String(sorted));
    show();
  }));
  function control(name, least, most, step, told) {
    const set = (v) => { how[name] = v; show(); };
    const one = slider({ min: least, max: most, step, value: how[name] },
      (v) => told(Number(v)), (v) => touched(() => set(v))());
    return { node: one.node, set(v) {
      if (!(v >= least && v <= most)) throw new RangeError(`expected ${least} to ${most}, given ${v}`);
      one.show(v);
      set(v);
    } };
  }
  const heat = control("temperature", 0.2, 2, 0.05, (v) => `temperature T = ${number(v)}`);
  const top = control("k", 1, levels, 1, (v) => `top-k: k = ${v}${v === levels ? " (all)" : ""}`);
  const core = control("p", 0.05, 1, 0.05, (v) => `nucleus: p = ${number(v)}`);

  tokens = data.start;
  kept = tokens.length;
  show();
  return [
    el("div", { class: "gm-body gm-next" }, style,
      buttons(el("label", {}, "Text ", input), run.button, ["One letter", touched(step)],
        ["Finish", touched(finish)], ["Again", touched(again)]),
      el("div", { class: "gm-head" }, title, scale, sort), bars, under,
      el("div", { class: "gm-row", style: "margin-top:.9rem" },
        el("div", { class: "gm-left" }, about, plane),
        el("div", { class: "gm-side gm-below gm-controls" },
          where, heat.node, top.node, core.node, texts, spoken.node)),
      el("div", { class: "gm-help" },
        `Bars: outlined the model\u2019s own probability of each next letter, filled that with which it `
        + `is drawn; ${shown[END]} ends the text. Strips: a row for each head, a column for each position `
        + "(\u25b8: where the text begins), the stronger the color the more of the attention lies there; a row "
        + "sums to one. Click or use the arrow keys to look from another position (Home: the last). "
        + "Log p is of all texts that begin so, at T = 1 and without top-k and nucleus. Again: anew "
        + "from what you typed.")),
    { set: type, step, finish, again, look: pick, logProb: log_prob,
      temperature: heat.set, topK: top.set, nucleus: core.set,
      random(state) { uniform = random(state); },
      logits: () => Array.from({ length: here() + 1 }, (_, i) => Array.from(at(i))),
      attention(i) {
        reach(i + 1);
        return blocks.map(({ seen }) =>
          seen.map((one) => Array.from(row(one, i, length).subarray(0, i + 1))));
      },
      chances() {
        const { own, drawn } = chances();
        return { own, drawn };
      },
      get: () => ({ text: letters().map((t) => symbols[t]).join(""), ended: ended(), kept,
        look: looking(), ...how, drawn: [...drawn] }) },
  ];
};
