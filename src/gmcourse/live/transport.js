// Moving earth on a line, for transport.py.  Left: the heap p and the box q, with equal
// quantiles joined.  Right: W1 as an area and its best critic, then Jensen-Shannon and its.
GM.figures.transport = function (data, root) {
  const { el, svg, number, speaker, buttons, grip, drag, keys, motion } = GM.tools;
  const { boxes, extent, narrowest } = data;
  const WIDTH = 400, HEIGHT = 300, SMALL = 90, EDGE = 9, FLOOR = 112, CEILING = 164, PAIRS = 24;
  const clamp = (v, low, high) => Math.min(high, Math.max(low, v));

  // A heap is a list of boxes [left, right, weight].
  const sum = (heap, term) => heap.reduce((total, box) => total + term(...box), 0);
  const below = (heap, x) => sum(heap, (l, r, w) => w * clamp((x - l) / (r - l), 0, 1));
  const density = (heap, x) => sum(heap, (l, r, w) => (l < x && x < r ? w / (r - l) : 0));
  const edges = (...heap) => [-extent, ...heap.flatMap((box) => box.slice(0, 2)), extent].sort((a, b) => a - b);

  // The line in pieces: on each both densities are constant, and F_q - F_p is linear and
  // keeps its sign.  From these, exactly: W1, JS, and the best critic of each.
  function compare(l, r) {
    const q = [[l, r, 1]], knots = [];
    for (const x of edges(...boxes, ...q)) {
      const gap = below(q, x) - below(boxes, x), [a, s] = knots.at(-1) || [x, 0];
      if (s * gap < 0) knots.push([a + ((x - a) * s) / (s - gap), 0]);
      knots.push([x, gap]);
    }
    const found = { w1: 0, js: 0, q, knots, critic: [[-extent, 0]], classifier: [] };
    const part = (a, b) => (a > 0 ? 0.5 * a * Math.log((2 * a) / (a + b)) : 0);
    for (let i = 1; i < knots.length; i++) {
      const [[a, s], [b, t]] = [knots[i - 1], knots[i]], x = (a + b) / 2;
      const on_p = density(boxes, x), on_q = density(q, x);
      found.w1 += ((b - a) * Math.abs(s + t)) / 2;
      found.js += (b - a) * (part(on_p, on_q) + part(on_q, on_p));
      const slope = Math.abs(s + t) < 1e-12 ? 0 : Math.sign(s + t);
      found.critic.push([b, found.critic.at(-1)[1] + slope * (b - a)]);
      if (on_p + on_q > 0) found.classifier.push([a, b, on_p / (on_p + on_q)]);
    }
    return found;
  }

  // The heaps, and thin lines between equal quantiles.
  const across = (x) => ((x + extent) / (2 * extent)) * WIDTH;
  const at = ([x, y]) => `${across(x).toFixed(2)} ${y.toFixed(2)}`, line = (points) => `M${points.map(at).join("L")}`;
  const curve = (name) => svg("path", { class: `gm-curve ${name}` });
  const area = (k) => svg("path", { class: `gm-area gm-fill${k}` });
  const marks = edges(...boxes), pieces = marks.slice(1).map((b, i) => [marks[i], b]);
  const heights = pieces.map(([a, b]) => density(boxes, (a + b) / 2));
  const unit = (FLOOR - EDGE) / Math.max(1 / narrowest, ...heights);
  const quantiles = Array.from({ length: PAIRS }, function (_, k) {
    const u = (k + 0.5) / PAIRS, i = pieces.findIndex((piece) => below(boxes, piece[1]) >= u);
    return [u, pieces[i][0] + (u - below(boxes, pieces[i][0])) / heights[i]];
  });
  const most = Math.ceil(extent) - 1, whole = Array.from({ length: 2 * most + 1 }, (_, i) => i - most);
  const grid = (height, ...rules) => svg("g", { class: "gm-grid" },
    ...whole.map((v) => svg("path", { d: `M${across(v).toFixed(1)} 0V${height}` })),
    ...rules.map((y) => svg("path", { class: "gm-axis", d: `M0 ${y}H${WIDTH}` })));
  const drawing = (height, ...parts) =>
    svg("svg", { viewBox: `0 0 ${WIDTH} ${height}`, "aria-hidden": "true" }, ...parts);
  const p_area = area(0), q_area = area(6), pairs = curve("gm-pairs gm-stroke8"), handle = grip();
  pairs.style.strokeWidth = 0.8;
  p_area.setAttribute("d", `${line(pieces.flatMap((piece, i) =>
    piece.map((x) => [x, FLOOR - unit * heights[i]])))}V${FLOOR}H0Z`);
  const plane = el("div", { class: "gm-plane gm-wide" },
    drawing(HEIGHT, grid(HEIGHT, FLOOR, CEILING), p_area, q_area, pairs,
      svg("g", { class: "gm-ticks" }, ...whole.map((v) => svg("text",
        { x: across(v), y: HEIGHT - 6, "text-anchor": "middle" }, number(v, 0))))), handle);
  const where = el("div", { class: "gm-where" }), near = el("div", { class: "gm-near" });
  const between = area(3), p_curve = curve("gm-stroke0"), q_curve = curve("gm-stroke6");
  const f_curve = curve("gm-stroke4"), D_curve = curve("gm-stroke4");
  const spoken = speaker();

  let center = 0, width = 1, found = null;
  function fitting(c, w) {
    const wide = clamp(w, narrowest, 2 * extent), room = extent - wide / 2;
    return [clamp(c, -room, room), wide];
  }
  const apart = () => found.js > Math.LN2 - 1e-9;
  function set(c, w) {
    if (!Number.isFinite(c) || !(w > 0)) {
      throw new RangeError(`expected a center and a positive width, given ${c} and ${w}`);
    }
    [center, width] = fitting(c, w);
    const l = center - width / 2, r = center + width / 2, tip = CEILING + unit / width;
    const up = (part) => SMALL - EDGE - (SMALL - 2 * EDGE) * part;
    found = compare(l, r);
    q_area.setAttribute("d", line([[l, CEILING], [l, tip], [r, tip], [r, CEILING]]));
    pairs.setAttribute("d", quantiles.map(([u, x]) =>
      line([[x, FLOOR], [l + u * width, CEILING]])).join(""));
    handle.style.left = `${(across(center) / WIDTH) * 100}%`;
    handle.style.top = `${(tip / HEIGHT) * 100}%`;
    const [p_line, q_line] =
      [boxes, found.q].map((heap) => found.knots.map(([x]) => [x, up(below(heap, x))]));
    p_curve.setAttribute("d", line(p_line));
    q_curve.setAttribute("d", line(q_line));
    between.setAttribute("d", line([...p_line, ...q_line.reverse()]));
    const f = found.critic.map((corner) => corner[1]), middle = (Math.min(...f) + Math.max(...f)) / 2;
    f_curve.setAttribute("d",
      line(found.critic.map(([x, y]) => [x, up(0.5 + (y - middle) / (2 * extent))])));
    D_curve.setAttribute("d",
      found.classifier.map(([a, b, D]) => line([[a, up(D)], [b, up(D)]])).join(""));
    w1.value.textContent = `W\u2081 = ${number(found.w1, 3)}`;
    js.value.textContent = `JS = ${number(found.js, 3)} nats (\u2264 ${Math.LN2.toFixed(3)})`;
    near.textContent = apart() ? "No overlap: JS is log 2, however far q is."
      : "p and q overlap: JS is below log 2.";
    const place = `center ${number(center)}, width ${number(width)}`;
    const words = `${place}, W1 ${number(found.w1, 3)}, JS ${number(found.js, 3)} nats`;
    where.textContent = `q: ${place}`;
    handle.setAttribute("aria-label", `${data.label}: ${words}`);
    spoken.say(words);
    return [center, width];
  }

  // A step downhill of q's ends; false where none helps.  By one-sided slopes: JS has
  // corners where an end of q meets an end of p.
  function downhill(name, rate) {
    const value = (l, r) => compare(l, r)[name], h = 1e-6;
    const ends = [center - width / 2, center + width / 2], here = value(...ends);
    const way = ends.map(function (_, k) {
      const [left, right] = [-h, h].map((by) =>
        (here - value(...ends.map((x, j) => (j === k ? x + by : x)))) / h);
      return Math.max(left, right) < 1e-7 ? 0 : right > left ? right : -left;
    });
    for (let t = rate; t * Math.hypot(...way) > 1e-7; t /= 2) {
      const [l, r] = ends.map((x, k) => x + t * way[k]), [c, w] = fitting((l + r) / 2, r - l);
      const due = way[0] * (c - w / 2 - ends[0]) + way[1] * (c + w / 2 - ends[1]);
      if (here - value(c - w / 2, c + w / 2) > 0.3 * due) return set(c, w);
    }
    return false;
  }
  function panel(name, title, speed) {
    const run = motion(root, "Downhill", data.wander && name === "w1", function (seconds) {
      if (downhill(name, speed * Math.max(seconds, 0.004))) return; // a first frame may begin early
      stop();
      near.textContent = name === "js" && apart() ? "No overlap, no slope: in JS q stays."
        : `Arrived: no small step lowers ${title}.`;
      spoken.say(near.textContent);
    });
    run.button.setAttribute("aria-label", `Downhill in ${title}`);
    run.button.addEventListener("click", () => (name === "w1" ? js : w1).run.stop(), true);
    const value = el("span", { class: "gm-value" }), head = el("div", { class: "gm-head" }, value, run.button);
    return { run, value, head };
  }
  const w1 = panel("w1", "W\u2081", 2), js = panel("js", "JS", 5);
  const stop = () => [w1, js].forEach((one) => one.run.stop());
  drag(plane, handle, stop, function (x, y) {
    const c = (2 * x - 1) * extent, w = unit / Math.max(1e-9, y * HEIGHT - CEILING);
    set(c, clamp(w, narrowest, Math.max(narrowest, 2 * (extent - Math.abs(c)))));
  });
  keys(handle, stop, function (right, up, large) {
    const by = large ? 0.5 : 0.05;
    if (right === null) set(...data.start);
    else set(Math.round((center + right * by) * 1e4) / 1e4, width * Math.exp(up * by));
  });

  const anew = buttons(["Begin anew", () => { stop(); set(...data.start); }]);
  set(...data.start);
  const note = (text) => el("div", { class: "gm-near", style: "text-align:left;margin:.3rem 0 .2rem" }, text);
  return [
    el("div", { class: "gm-body" },
      el("div", { class: "gm-row" },
        el("div", { class: "gm-left" }, plane, where, near, anew),
        el("div", { class: "gm-side" },
          el("div", { class: "gm-panel" }, w1.head,
            drawing(SMALL, grid(SMALL, EDGE, SMALL - EDGE), between, p_curve, q_curve),
            note("Its best critic f: slope \u22121, 0 or 1"), drawing(SMALL, grid(SMALL), f_curve)),
          el("div", { class: "gm-panel" }, js.head,
            note("Its best critic: D = p / (p + q)"),
            drawing(SMALL, grid(SMALL, EDGE, SMALL - EDGE), D_curve)), spoken.node)),
      el("div", { class: "gm-help" },
        "Blue: the heap p. Orange: the box q; drag its tip, or use the arrow keys (down: "
        + "narrower; Shift: larger steps; Home: back). Thin lines join equal quantiles. W\u2081 is "
        + "the gray area between the cumulative distribution functions.")),
    { set, get: () => [center, width], critic: () => found.critic,
      values: () => ({ w1: found.w1, js: found.js }),
      downhill(name) {
        for (let i = 0; i < 3000 && downhill(name, 0.5); i++);
        return [center, width];
      } },
  ];
};
