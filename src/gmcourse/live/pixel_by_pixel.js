// A NADE draws pixel by pixel, for pixel_by_pixel.py.  Left: the pixels, under the
// reader's pen.  Right: what the model thought of each, and thinks of the next one.
GM.figures.pixel_by_pixel = function (data, root) {
  const { el, svg, number, random, speaker, slider, buttons, keys, motion } = GM.tools;
  const [height, width] = data.shape, d = height * width, units = data.hidden;
  const OPEN = -1, COOL = 0.2, HOT = 2, RATE = 40 * Math.max(1, d / 256); // pixels a second

  // ---- the model -------------------------------------------------------------

  const weights = GM.half(GM.bytes(data.weights));
  let used = 0;
  const take = (n) => weights.subarray(used, (used += n));
  const into = take(d * units), out = take(d * units), first = take(units), bias = take(d);
  const sigmoid = (v) => 1 / (1 + Math.exp(-v));
  const softplus = (v) => Math.max(v, 0) + Math.log1p(Math.exp(-Math.abs(v)));

  const value = new Int8Array(d).fill(OPEN), hand = new Uint8Array(d);
  // Row i of the sums is what the hidden units are given before pixel i.  Those of the
  // first `ready` pixels, and their logits, are made of the present values.
  const sums = new Float64Array(d * units), logit = new Float64Array(d);
  sums.set(first);
  let ready = 0, uniform = random(11), temperature = 1;

  function reach(end) {
    for (; ready < end; ready++) {
      const row = ready * units, lit = ready > 0 && value[ready - 1] === 1;
      let l = bias[ready];
      for (let j = row; j < row + units; j++) {
        if (ready > 0) sums[j] = sums[j - units] + (lit ? into[j - units] : 0);
        l += out[j] * sigmoid(sums[j]);
      }
      logit[ready] = l;
    }
  }
  function put(i, v, by_hand) {
    if ((value[i] === 1) !== (v === 1)) ready = Math.min(ready, i + 1);
    value[i] = v;
    hand[i] = by_hand && v !== OPEN;
  }
  const next = () => value.indexOf(OPEN); // -1: none
  const before = () => (next() < 0 ? d : next()); // pixels that have all before them
  function advance() { // one pixel; null where none is open
    const i = next();
    if (i < 0) return null;
    reach(i + 1);
    put(i, Number(uniform() < sigmoid(logit[i] / temperature)), false);
    return i;
  }
  // In nats: of the pixels before the first open one, [those drawn, those by hand].
  function parts() {
    const found = [0, 0], end = before();
    reach(end);
    for (let i = 0; i < end; i++) found[hand[i]] -= softplus(value[i] ? -logit[i] : logit[i]);
    return found;
  }

  // ---- the pictures ----------------------------------------------------------

  // Open pixels are holes, through which the dotted ground is seen.
  const dots = "radial-gradient(circle,var(--gm-panel) 15%,transparent 21%)";
  const ground = `background:${dots} 0 0/${100 / width}% ${100 / height}%,var(--gm-axis);`;
  const wide = `width:${Math.min(100, (100 * width) / height)}%;margin:0 auto;`;
  const canvas = el("canvas", { width, height, "aria-hidden": "true",
    style: "image-rendering:pixelated" });
  const sure = el("canvas", { width, height, role: "img", style: ground + wide });
  function shade(on, level) { // level(i): from 0 to 1, or null where it is open
    const image = new ImageData(width, height);
    for (let i = 0; i < d; i++) {
      const v = level(i);
      if (v !== null) image.data.set([255 * v, 255 * v, 255 * v, 255], 4 * i);
    }
    on.getContext("2d").putImageData(image, 0, 0);
  }

  const line = (color, size) => `fill:none;stroke:var(${color});stroke-width:${size}px;`
    + "vector-effect:non-scaling-stroke;stroke-linejoin:round";
  const frame = (color, size) => svg("rect", { width: 1, height: 1, style: line(color, size) });
  const mine = ["--gm-panel", "--gm-c6"].map((color, q) => svg("path", { style: line(color, 4.5 - 2 * q) }));
  const coming = svg("g", {}, frame("--gm-panel", 6), frame("--gm-ink", 2.5));
  const cursor = svg("g", {}, frame("--gm-panel", 6), frame("--gm-focus", 3));
  cursor.style.display = "none";
  const plane = el("div", { class: "gm-plane", tabindex: 0, role: "application",
    "aria-roledescription": "grid of pixels",
    style: `${ground}${wide}aspect-ratio:${width}/${height};outline:none` },
    canvas,
    svg("svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true",
      style: "position:absolute;inset:0;pointer-events:none;overflow:visible" },
      ...mine, coming, cursor));
  const at = (i) => `translate(${i % width} ${Math.floor(i / width)})`;
  const place = (i) => `row ${Math.floor(i / width) + 1}, column ${(i % width) + 1}`;

  function outline() { // the sides of pixels set by hand that face others
    const by_hand = (x, y) => x >= 0 && x < width && y >= 0 && y < height && hand[y * width + x];
    let path = "";
    hand.forEach(function (one, i) {
      if (!one) return;
      const x = i % width, y = Math.floor(i / width);
      if (!by_hand(x, y - 1)) path += `M${x} ${y}h1`;
      if (!by_hand(x, y + 1)) path += `M${x} ${y + 1}h1`;
      if (!by_hand(x - 1, y)) path += `M${x} ${y}v1`;
      if (!by_hand(x + 1, y)) path += `M${x + 1} ${y}v1`;
    });
    return path;
  }

  // The next pixel's distribution; a tick where the temperature moved it from.
  const TALL = 96, FLOOR = 116;
  const bars = [0, 1].map(function (v) {
    const x = 12 + 56 * v;
    return { bar: svg("rect", { x, width: 36, rx: 2, class: "gm-fill0" }),
      tick: svg("path", { class: "gm-own", style: "stroke:var(--gm-ink);stroke-width:2;fill:none" }),
      text: svg("text", { x: x + 18, "text-anchor": "middle", style: "fill:var(--gm-ink)" }), x };
  });
  const chart = svg("svg", { viewBox: "0 0 116 136", "aria-hidden": "true", class: "gm-bars",
    style: "display:block;width:100%;max-width:150px;margin:0 auto" },
    svg("g", { class: "gm-grid" }, svg("path", { class: "gm-axis", d: `M4 ${FLOOR}H112` })),
    ...bars.flatMap(({ bar, tick }) => [bar, tick]),
    svg("g", { class: "gm-ticks" }, ...bars.map(({ text }) => text),
      ...bars.map(({ x }, v) => svg("text", { x: x + 18, y: FLOOR + 15, "text-anchor": "middle" }, String(v)))));

  const text = () => el("div", { class: "gm-near" }), where = el("div", { class: "gm-where" });
  const head = text(), note = text(), bits = text(), near = text(), split = text(), under = text();
  under.style.marginTop = ".3rem";
  const spoken = speaker();
  const share = (p) => (p < 0.0005 ? "< 0.001" : p > 0.9995 ? "> 0.999" : number(p, 3));
  const low = (n) => String(n).replace(/\d/g, (digit) => String.fromCharCode(0x2080 + Number(digit)));

  function show() {
    const i = next(), end = before(), [drawn, set] = parts(), nats = drawn + set;
    shade(canvas, (j) => (value[j] === OPEN ? null : value[j]));
    shade(sure, (j) => (j < end ? sigmoid(logit[j]) : null));
    mine.forEach((path) => path.setAttribute("d", outline()));
    coming.style.display = i < 0 ? "none" : "";
    let words = "all pixels are fixed";
    if (i >= 0) {
      reach(i + 1);
      coming.setAttribute("transform", at(i));
      const own = sigmoid(logit[i]), p = sigmoid(logit[i] / temperature);
      bars.forEach(function ({ bar, tick, text, x }, v) {
        const [tall, from] = [p, own].map((one) => TALL * (v ? one : 1 - one));
        bar.setAttribute("y", FLOOR - tall);
        bar.setAttribute("height", tall);
        tick.setAttribute("d", temperature === 1 ? "" : `M${x - 4} ${FLOOR - from}h44`);
        text.setAttribute("y", FLOOR - Math.max(tall, from) - 6);
        text.textContent = share(v ? p : 1 - p);
      });
      words = `next: ${place(i)}, a one with probability ${share(p)}`;
    }
    chart.style.visibility = i < 0 ? "hidden" : "";
    head.textContent = i < 0 ? "no pixel is open" : "next pixel";
    note.textContent = i < 0 || temperature === 1 ? "\u00a0" : "line: T = 1";
    under.textContent = `probability of a one${temperature === 1 ? "" : ", T = 1"}`;
    const fixed = value.reduce((n, v) => n + (v !== OPEN), 0);
    const by_hand = hand.reduce((n, one) => n + one, 0);
    const of = i < 0 ? "x" : end === 1 ? `x${low(1)}` : `x${low(1)}\u2026x${low(end)}`;
    where.textContent = end ? `log p(${of}) = ${number(nats)} nats` : "nothing drawn yet";
    bits.textContent = end ? `${number(-nats / end / Math.LN2, 3)} bits a pixel` : "\u00a0";
    split.textContent = set ? `drawn: ${number(drawn)}, by hand: ${number(set)} nats` : "\u00a0";
    near.textContent = `${fixed} of ${d} pixels fixed${by_hand ? `, ${by_hand} by hand` : ""}`;
    sure.setAttribute("aria-label", `Probability of a one, of the first ${end} pixels`);
    told();
    spoken.say([near.textContent, where.textContent, words].join(", "));
  }

  // ---- the reader ------------------------------------------------------------

  // By itself, until touched: one image, two seconds to look at it, the next one.
  let due = 0, rest = 0, alone = data.wander;
  const run = motion(root, "Draw", data.wander, function (seconds) {
    const more = Math.max(0, seconds); // a first frame may begin early
    if (next() < 0) {
      if (!alone) return run.stop();
      rest += more;
      if (rest > 2) again();
      return;
    }
    due += RATE * more;
    for (; due >= 1; due--) advance();
    show();
  });
  run.button.addEventListener("click", function () {
    alone = false;
    if (run.button.getAttribute("aria-pressed") === "false" && next() < 0) again();
  }, true);
  function again() { // all but those set by hand are open
    due = rest = 0;
    for (let i = 0; i < d; i++) if (!hand[i]) put(i, OPEN, false);
    show();
  }
  function clear() {
    hand.fill(0);
    again();
  }
  function stop() {
    alone = false;
    run.stop();
  }
  function touched(act) {
    return function () {
      stop();
      act();
    };
  }

  // Three pens.
  const PENS = [["one", 1, "#fff"], ["zero", 0, "#000"], ["open", OPEN,
    `${dots} 0 0/50% 50%,var(--gm-axis)`]];
  let pen = 1;
  const pens = buttons(...PENS.map(function ([name, v, back]) {
    const button = el("button", { type: "button", "aria-pressed": String(v === pen) },
      el("span", { class: "gm-dot", style: "border-radius:2px;border:1px solid var(--gm-soft);"
        + `width:.8em;height:.8em;vertical-align:-.05em;background:${back}` }), name);
    button.addEventListener("click", function () {
      pen = v;
      [...pens.querySelectorAll("button")].forEach((other) =>
        other.setAttribute("aria-pressed", String(other === button)));
      arm(true);
    });
    return button;
  }));
  pens.setAttribute("role", "group");
  pens.setAttribute("aria-label", "Pen");
  pens.style.alignItems = "center";
  pens.prepend(el("span", { style: "font-size:.9em" }, "Pen"));

  let spot = 0; // of the pen, as a pixel's number
  function told() {
    const what = ["open", "zero", "one"][value[spot] + 1] + (hand[spot] ? ", set by hand" : "");
    plane.setAttribute("aria-label", `${data.label}: ${place(spot)}, ${what}`);
  }
  function go(i) {
    spot = i;
    cursor.setAttribute("transform", at(i));
    told();
  }
  function mark(v) { // by hand, where the pen is
    put(spot, v, true);
    show();
    spoken.say(plane.getAttribute("aria-label").slice(data.label.length + 2));
  }

  // Mouse: press and drag.  Touch: a tap sets a pixel, and from then on a finger draws;
  // before that, and after a touch outside of the figure, a swipe scrolls the page.
  const arm = (on) => plane.classList.toggle("gm-drawing", on);
  let dragging = null, last = null, tapped = false;
  function spotted(event) { // column and row, also outside of the grid
    const box = plane.getBoundingClientRect();
    return [Math.floor(((event.clientX - box.left) / box.width) * width),
      Math.floor(((event.clientY - box.top) / box.height) * height)];
  }
  function stroke([x0, y0], [x1, y1]) { // every pixel on the way
    const n = Math.max(1, Math.abs(x1 - x0), Math.abs(y1 - y0));
    for (let k = 0; k <= n; k++) {
      const x = Math.round(x0 + ((x1 - x0) * k) / n), y = Math.round(y0 + ((y1 - y0) * k) / n);
      if (x < 0 || x >= width || y < 0 || y >= height) continue;
      go(y * width + x);
      put(spot, pen, true);
    }
    show();
  }
  plane.addEventListener("pointerdown", function (event) {
    if (event.button !== 0) return;
    tapped = event.pointerType === "touch" && !plane.classList.contains("gm-drawing");
    if (tapped) return; // wait for the click: this may become a scroll
    stop();
    dragging = event.pointerId;
    plane.setPointerCapture(dragging);
    plane.focus({ preventScroll: true });
    cursor.style.display = "none"; // for keys
    event.preventDefault();
    last = spotted(event);
    stroke(last, last);
  });
  plane.addEventListener("pointermove", function (event) {
    if (event.pointerId !== dragging) return;
    const to = spotted(event);
    if (String(to) === String(last)) return;
    stroke(last, to);
    last = to;
  });
  plane.addEventListener("lostpointercapture", () => { dragging = null; });
  // A stroke is no fling, after which Chrome would drop the next tap.
  plane.addEventListener("touchstart", function (event) {
    if (plane.classList.contains("gm-drawing")) event.preventDefault();
  }, { passive: false });
  plane.addEventListener("click", function (event) {
    if (!tapped) return;
    stop();
    arm(true);
    stroke(spotted(event), spotted(event));
  });
  document.addEventListener("pointerdown", function outside(event) {
    if (!root.isConnected) document.removeEventListener("pointerdown", outside);
    else if (!root.contains(event.target)) arm(false);
  });

  const seen = (on) => { cursor.style.display = on ? "" : "none"; };
  plane.addEventListener("focus", () => seen(plane.matches(":focus-visible")));
  plane.addEventListener("blur", () => seen(false));
  keys(plane, stop, function (right, up, large) {
    seen(true);
    const x = spot % width, y = Math.floor(spot / width);
    const to = right === null ? [0, 0] : [Math.min(width - 1, Math.max(0, x + right)),
      Math.min(height - 1, Math.max(0, y - up))];
    if (large && right !== null) return stroke([x, y], to);
    go(to[1] * width + to[0]);
    spoken.say(plane.getAttribute("aria-label").slice(data.label.length + 2));
  });
  plane.addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const v = { 1: 1, 0: 0, Delete: OPEN, Backspace: OPEN, " ": pen }[event.key];
    if (v === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    stop();
    seen(true);
    mark(v);
  });

  const heat = slider({ min: COOL, max: HOT, step: 0.05, value: 1, list: `${root.id}-one` },
    (t) => `temperature T = ${number(Number(t))}`,
    (t) => { alone = false; temperature = t; show(); });
  heat.node.append(el("datalist", { id: `${root.id}-one` }, el("option", { value: 1 })));

  for (let i = 0; i < data.start.length; i++) {
    if (data.start[i] !== ".") put(i, Number(data.start[i]), data.by_hand);
  }
  go(0);
  show();
  const actions = buttons(run.button, ["Step", touched(() => { advance(); show(); })],
    ["Again", () => { alone = false; again(); }], ["Clear", touched(clear)]);
  for (const button of actions.children) button.style.minWidth = "4.9em";
  const image = () => Array.from(value, (v) => (v === OPEN ? null : v));
  return [
    el("div", { class: "gm-body" },
      el("div", { class: "gm-row" },
        el("div", { class: "gm-left" }, plane, pens),
        el("div", { class: "gm-side gm-below" },
          el("div", { style: "display:flex;gap:1rem;align-items:flex-start;margin-bottom:.8rem" },
            el("div", { style: "flex:1.45 1 0;min-width:0" }, sure, under),
            el("div", { style: "flex:1 1 0;min-width:0" }, head, chart, note)),
          where, bits, near, split, actions, heat.node, spoken.node)),
      el("div", { class: "gm-help" },
        "The model draws row by row, each pixel given those before it; dotted ones are open. "
        + "Press or drag to set pixels: they are kept (orange outline), and reach those after "
        + "them in the order, not those before. What was drawn stays until Again. Log p is of the "
        + "pixels before the first open one, at T = 1. Keys: arrows (Shift: with the pen; "
        + "Home: first pixel), 1, 0, Delete, space for the pen.")),
    { image, again, clear,
      set(i, v) {
        if (!Number.isInteger(i) || i < 0 || i >= d || ![0, 1, null].includes(v)) {
          throw new RangeError(`expected a pixel from 0 to ${d - 1} and 0, 1 or null, given ${i} and ${v}`);
        }
        put(i, v === null ? OPEN : v, true);
        show();
      },
      step() {
        const i = advance();
        show();
        return i;
      },
      draw() {
        while (advance() !== null);
        show();
        return image();
      },
      logits() {
        reach(d);
        return Array.from(logit);
      },
      logProb: () => parts()[0] + parts()[1],
      temperature(t) {
        if (!(t >= COOL && t <= HOT)) throw new RangeError(`expected ${COOL} to ${HOT}, given ${t}`);
        temperature = t;
        heat.show(t);
        show();
      },
      random(state) { uniform = random(state); },
      get: () => ({ image: image(), by_hand: Array.from(hand), next: next(), temperature,
        log_prob: parts() }) },
  ];
};
