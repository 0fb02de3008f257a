// A flow on the plane, for flow_plane.py.  Left: data x.  Right: the same after some of
// the layers.  Below: the terms of a point's density, and the loss as the flow is trained.
GM.figures.flow_plane = function (data, root) {
  const { el, svg, number, random, speaker, slider, buttons, choice, drag, motion } = GM.tools;
  const { mlp, adam, normal, init } = GM.train;
  const { extent, batch, rate } = data, LAYERS = data.layers.length;

  // ---- the flow --------------------------------------------------------------

  // An affine coupling.  One number of each point stays and says, through the net, how
  // the other is moved:  z = (x - shift) exp(-s),  log |det| = -s.  The net's second
  // number r gives s = limit tanh(r / limit); without a limit s is 0 (a shift alone).
  function coupling({ spec, weights, flip, limit }) {
    const first = GM.half(GM.bytes(weights)), net = mlp(spec, first.slice());
    const stays = flip ? 1 : 0, moves = 1 - stays, per = limit ? 2 : 1;
    let kept = null; // of the last forward: z, exp(-s), and ds/dr, for the way back

    function told(x) { // shift and s of each point, one after the other
      const n = x.length / 2, one = new Float32Array(n), out = new Float32Array(2 * n);
      for (let i = 0; i < n; i++) one[i] = x[2 * i + stays];
      const given = net.forward(one);
      for (let i = 0; i < n; i++) {
        out[2 * i] = given[per * i];
        out[2 * i + 1] = limit ? limit * Math.tanh(given[2 * i + 1] / limit) : 0;
      }
      return out;
    }
    function forward(x) {
      const params = told(x), z = x.slice(), n = x.length / 2;
      const log_det = new Float32Array(n), shrink = new Float32Array(n);
      for (let i = 0; i < n; i++) {
        log_det[i] = -params[2 * i + 1];
        shrink[i] = Math.exp(log_det[i]);
        z[2 * i + moves] = (x[2 * i + moves] - params[2 * i]) * shrink[i];
      }
      kept = { z, log_det, shrink };
      return [z, log_det];
    }
    function inverse(z) {
      const params = told(z), x = z.slice();
      for (let i = 0; i < z.length / 2; i++) {
        x[2 * i + moves] = z[2 * i + moves] * Math.exp(params[2 * i + 1]) + params[2 * i];
      }
      return x;
    }
    // From the slopes dz of the mean of -log p in z those in x, and in the weights.  The
    // mean itself holds s, once for each of n points.
    function backward(dz) {
      const { z, log_det, shrink } = kept, n = shrink.length;
      const d_net = new Float32Array(per * n), dx = dz.slice();
      for (let i = 0; i < n; i++) {
        const d = dz[2 * i + moves];
        dx[2 * i + moves] = d * shrink[i];
        d_net[per * i] = -d * shrink[i];
        if (!limit) continue;
        const ds = 1 / n - d * z[2 * i + moves];
        d_net[2 * i + 1] = ds * (1 - (log_det[i] / limit) ** 2);
      }
      const d_stays = net.backward(d_net);
      for (let i = 0; i < n; i++) dx[2 * i + stays] += d_stays[i];
      return dx;
    }
    function begin(uniform) { // the given weights, or an identity
      if (!uniform) net.weights.set(first);
      else {
        init(spec, net.weights, uniform);
        const [, d, k] = spec.at(-1);
        net.weights.fill(0, net.weights.length - (d + 1) * k);
      }
    }
    const [, d, k] = spec.at(-1), still = first.slice(-(d + 1) * k).every((w) => w === 0);
    return { net, forward, inverse, backward, begin, still, adam: null };
  }
  const layers = data.layers.map(coupling);
  const identity = layers.every((layer) => layer.still);

  // The points after 0, 1, ... layers, and of each layer the points' log |det|.
  function run(x) {
    const states = [x], log_dets = [];
    for (const layer of layers) {
      const [z, log_det] = layer.forward(states.at(-1));
      states.push(z);
      log_dets.push(log_det);
    }
    return { states, log_dets };
  }
  // The same states of points that are known after k layers, back to x.
  function back(h, k = LAYERS) {
    const states = new Array(k + 1);
    states[k] = h;
    for (let i = k - 1; i >= 0; i--) states[i] = layers[i].inverse(states[i + 1]);
    return states;
  }
  // -log N(z) less the layers' terms, in the mean over all points, in nats.
  function loss_of({ states, log_dets }) {
    const z = states[LAYERS], n = z.length / 2;
    let sum = n * Math.log(2 * Math.PI);
    for (const v of z) sum += 0.5 * v * v;
    for (const terms of log_dets) for (const term of terms) sum -= term;
    return sum / n;
  }

  // ---- its training ----------------------------------------------------------

  const sets = data.sets.map(({ points, held, ...set }) =>
    ({ ...set, points: GM.half(GM.bytes(points)), held: GM.half(GM.bytes(held)) }));
  let set = sets[0], seed = 0, count = 0, uniform = null, losses = [], stride = 1;

  function drawn() {
    const { points } = set, x = new Float32Array(2 * batch);
    for (let i = 0; i < batch; i++) {
      const at = Math.floor(uniform() * (points.length / 2));
      x.set(points.subarray(2 * at, 2 * at + 2), 2 * i);
    }
    return x;
  }
  // One step of Adam; the batch's loss before it.  Twenty steps apart the loss of the
  // points that are not learned from is kept, later fewer of these.
  function update(given) {
    const found = run(given ? Float32Array.from(given) : drawn()), z = found.states[LAYERS];
    let slopes = z.map((v) => (2 * v) / z.length);
    for (let i = LAYERS - 1; i >= 0; i--) slopes = layers[i].backward(slopes);
    for (const { net, adam } of layers) {
      adam.rate = rate / Math.sqrt(1 + count / 200);
      adam.step(net.gradients);
    }
    count += 1;
    if (count % (20 * stride) === 0) {
      losses.push(loss_of(run(set.held)));
      if (losses.length > 240) {
        losses = losses.filter((_, i) => i % 2 === 0);
        stride *= 2;
      }
    }
    return loss_of(found);
  }
  function start(from) { // seed 0: the weights that the page came with
    seed = from;
    uniform = random(1000 + seed);
    for (const layer of layers) {
      layer.begin(seed > 0 && uniform);
      layer.adam = adam(layer.net.weights, { rate });
    }
    count = 0;
    stride = 1;
    losses = [loss_of(run(set.held))];
    carry();
  }

  // ---- the planes ------------------------------------------------------------

  const { fixed, unit, area, dots, line, scattered, key, steered, within } = GM.plane(extent);
  function plane(name) {
    const mesh = ["--gm-soft", "--gm-c5"].map((color, k) => svg("path", {
      style: `fill:none;stroke:var(${color});stroke-width:${0.8 + 0.4 * k};opacity:.6` }));
    const clouds = [dots(0), dots(6)];
    const way = svg("path", { class: "gm-curve gm-thin", style: "stroke:var(--gm-ink)" });
    const made = area([...mesh, ...clouds], [way]);
    return { name, mesh, dots: clouds, way, head: el("span"), ...made };
  }
  const left = plane("x"), right = plane("after the layers");
  left.rings.remove();

  // A square grid: 13 upright lines, then 13 level ones, and STEPS points of each.
  const STEPS = 97;
  function square(reach) {
    const along = (i, of) => reach * ((2 * i) / (of - 1) - 1), at = [];
    for (let j = 0; j < 13; j++) {
      for (let i = 0; i < STEPS; i++) at.push([along(j, 13), along(i, STEPS)]);
    }
    return Float32Array.from([...at, ...at.map(([x, y]) => [y, x])].flat());
  }
  const squares = { x: square(extent), z: square(3) };
  const noise = Float32Array.from({ length: sets[0].held.length }, normal(random(5)));

  function lines(mesh, points) { // upright ones on one path, level ones on the other
    mesh.forEach(function (path, k) {
      let d = "";
      for (let j = 13 * k; j < 13 * (k + 1); j++) d += line(points, j * STEPS, (j + 1) * STEPS);
      path.setAttribute("d", d);
    });
  }

  // What is seen: after k layers (between two of them on a straight line), from x to z or
  // back.  carry() follows the weights, view() follows k, and set() the point.
  let k = LAYERS, backward = false, seen = null, point = null, spot = data.start;
  function between(states) {
    const i = Math.floor(k), part = k - i;
    if (!part) return states[i];
    return states[i].map((v, at) => v + part * (states[i + 1][at] - v));
  }
  function carry() {
    seen = backward
      ? { mesh: back(squares.z), cloud: back(noise) }
      : { mesh: run(squares.x).states, cloud: run(set.held).states };
    lines(left.mesh, seen.mesh[0]);
    left.dots[0].setAttribute("d", scattered(set.held));
    left.dots[1].setAttribute("d", backward ? scattered(seen.cloud[0]) : "");
    left.dots[0].style.opacity = backward ? 0.25 : 0.6;
    plot();
    find(...spot);
  }
  function view() {
    const cloud = scattered(between(seen.cloud));
    lines(right.mesh, between(seen.mesh));
    right.dots.forEach((dots, i) => dots.setAttribute("d", backward === (i === 1) ? cloud : ""));
    const now = between(point.states), past = [];
    for (let i = 0; i <= k; i++) past.push(...point.states[i]);
    past.push(...now);
    right.way.setAttribute("d", line(past));
    right.place(...now);
    const near = Math.round(k);
    steps.show(near);
    right.head.textContent = near === LAYERS ? "z, after all layers"
      : near === 0 ? "x, before the layers" : `after ${near} of ${LAYERS} layers`;
    right.handle.setAttribute("aria-label", `${data.label}: the point after ${near} layers: `
      + `${number(now[0])}, ${number(now[1])}`);
    marks.forEach((mark, i) => { mark.textContent = i > 0 && i === near ? "\u25b8" : ""; });
  }
  function find(x1, x2) {
    spot = within(x1, x2);
    point = run(Float32Array.from(spot));
    left.place(...spot);
    account();
    view();
    return spot.slice();
  }

  // ---- the terms of the density ----------------------------------------------

  // log N(z), one term a layer, and their sum: a bar begins where the one before ends.
  const WIDTH = 400, ROW = 21, FROM = 82, TO = 328, ROWS = LAYERS + 2;
  const names = ["log N(z)", ...layers.map((_, i) => `layer ${i + 1}`), "log p(x)"];
  const row = (i) => ROW * i + 15;
  const bars = names.map((_, i) => svg("rect", { height: 11, y: row(i) - 9,
    ...(i > 0 && i <= LAYERS ? { class: "gm-fill4" } : { style: "fill:var(--gm-soft)" }) }));
  const values = names.map((_, i) => svg("text", { x: WIDTH - 4, y: row(i), "text-anchor": "end" }));
  const marks = names.map((_, i) => svg("text", { x: 2, y: row(i) }));
  const zero = svg("path", { class: "gm-axis" });
  const terms = svg("svg", { viewBox: `0 0 ${WIDTH} ${ROW * ROWS + 4}`, "aria-hidden": "true",
    style: "background:none;box-shadow:none" },
  svg("g", { class: "gm-grid" }, zero), ...bars,
  svg("g", { fill: "currentColor" }, ...names.map((name, i) => svg("text", { x: 14, y: row(i) }, name)),
    ...values, ...marks));
  const where = el("div", { class: "gm-where" }), spoken = speaker();

  function account() {
    const z = point.states[LAYERS], ends = [0];
    ends.push(-Math.log(2 * Math.PI) - (z[0] ** 2 + z[1] ** 2) / 2);
    for (const [term] of point.log_dets) ends.push(ends.at(-1) + term);
    const low = Math.min(...ends), high = Math.max(...ends);
    const x = (v) => FROM + ((TO - FROM) * (v - low)) / (high - low);
    // Differences of the rounded sums: what is read adds up.
    const cents = ends.map((v) => Math.round(100 * v));
    names.forEach(function (_, i) {
      const [a, b] = i <= LAYERS ? [ends[i], ends[i + 1]] : [0, ends[i]];
      bars[i].setAttribute("x", fixed(x(Math.min(a, b))));
      bars[i].setAttribute("width", fixed(Math.max(1, Math.abs(x(b) - x(a)))));
      const shown = i <= LAYERS ? cents[i + 1] - cents[i] : cents[i];
      values[i].textContent = (i > 0 && i <= LAYERS && shown > 0 ? "+" : "") + number(shown / 100);
    });
    zero.setAttribute("d", `M${fixed(x(0))} 2V${ROW * ROWS}`);
    where.textContent = `x = (${spot.map((v) => number(v)).join(", ")})\u2003`
      + `z = (${Array.from(z, (v) => number(v)).join(", ")})`;
    const words = `x ${spot.map((v) => number(v)).join(", ")}, `
      + names.map((name, i) => `${name} ${values[i].textContent}`).join(", ");
    left.handle.setAttribute("aria-label", `${data.label}: ${words}`);
    spoken.say(words);
  }

  // ---- the loss --------------------------------------------------------------

  const HEIGHT = 120, EDGE = 12;
  const curve = svg("path", { class: "gm-curve gm-thin gm-stroke4" });
  const floor = svg("path", { class: "gm-level" }), name = svg("text", { x: WIDTH - 8, "text-anchor": "end" });
  const hint = svg("text", { x: WIDTH / 2, y: HEIGHT / 2, "text-anchor": "middle" });
  const told = el("div", { class: "gm-near" });
  const chart = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, "aria-hidden": "true" },
    svg("g", { class: "gm-grid" }, floor), svg("g", { class: "gm-ticks" }, name, hint), curve);
  function plot() {
    const { truth } = set, all = truth === null ? losses : [truth, ...losses];
    const low = Math.min(...all), high = Math.max(...all);
    const y = (v) => fixed(HEIGHT - EDGE - ((HEIGHT - 2 * EDGE) * (v - low)) / (high - low || 1));
    const x = (i) => fixed(8 + ((WIDTH - 16) * i) / Math.max(20, losses.length - 1));
    hint.textContent = losses.length > 1 ? "" : "the loss, once it is trained";
    curve.setAttribute("d", losses.length < 2 ? "" : "M" + losses.map((v, i) => `${x(i)} ${y(v)}`).join("L"));
    floor.setAttribute("d", truth === null ? "" : `M8 ${y(truth)}H${WIDTH - 8}`);
    name.setAttribute("y", truth === null ? 0 : y(truth) - 5);
    name.textContent = truth === null ? "" : "the true density";
    told.textContent = `step ${count.toLocaleString("en-US")}: loss ${number(losses.at(-1), 3)} nats`
      + (truth === null ? "" : `; the true density ${number(truth, 3)}`);
  }

  // ---- the reader ------------------------------------------------------------

  let alone = data.wander;
  const SPEED = 1.1, PAUSE = 0.7; // layers a second, and layers' worth of rest at an end
  let at = LAYERS, heading = 1;
  const ease = (v) => v * v * (3 - 2 * v);
  const play = motion(root, "Play", data.wander && !identity, function (seconds) {
    at += heading * SPEED * seconds;
    if (at > LAYERS + PAUSE || at < -PAUSE) {
      heading = -heading;
      at = Math.min(LAYERS + PAUSE, Math.max(-PAUSE, at));
    }
    const to = Math.min(LAYERS, Math.max(0, at)), i = Math.floor(to);
    k = i + ease(to - i);
    view();
  });
  // As many steps as fit into eight tenths of the time, at most 300 a second.  All is
  // drawn four times a second: that costs as much as several steps.
  let undrawn = 0;
  const train = motion(root, "Train", data.wander && identity, function (seconds) {
    const until = performance.now() + Math.min(100, 800 * seconds);
    for (let i = 0; i < 300 * seconds && performance.now() < until; i++) update();
    undrawn += seconds;
    if (undrawn < 0.25) return;
    undrawn = 0;
    carry();
    if (alone && count >= 2000) train.stop();
  });
  play.button.addEventListener("click", () => { alone = alone && identity; }, true);
  train.button.addEventListener("click", function () {
    alone = false;
    if (k === 0) layer(LAYERS); // where training is seen
  }, true);
  train.button.addEventListener("click", carry); // a pause shows the last step
  function layer(to) {
    play.stop();
    k = at = to;
    view();
  }
  function calm() { // what began by itself ends when the reader takes over
    if (!alone) return;
    alone = false;
    if (!identity) return layer(Math.round(k));
    train.stop();
    carry();
  }
  function touched() {
    calm();
    layer(Math.round(k));
  }
  const steps = slider({ min: 0, max: LAYERS, value: LAYERS },
    (i) => `layers ${i} of ${LAYERS}`, (i) => { calm(); layer(i); });
  function way(to) {
    backward = to;
    ways.forEach((button, i) => button.setAttribute("aria-pressed", String(backward === (i === 1))));
    drew.hidden = !backward;
    carry();
  }
  const ways = ["x to z", "z to x"].map(function (text, i) {
    const button = el("button", { type: "button", "aria-pressed": String(i === 0) }, text);
    button.addEventListener("click", () => way(i === 1));
    return button;
  });
  function choose(i) {
    alone = false;
    which.node.querySelector("select").selectedIndex = i;
    set = sets[i];
    start(i === 0 ? 0 : seed + 1);
  }
  const which = choice("data", sets.map((one) => one.name), 0, choose);

  const moved = (h) => find(...back(Float32Array.from(h), k)[0]);
  drag(left.node, left.handle, calm, (x, y) => find(...unit(x, y)));
  drag(right.node, right.handle, touched, (x, y) => moved(unit(x, y)));
  const home = () => find(...data.start);
  steered(left.handle, calm, home, () => spot, find);
  steered(right.handle, touched, home, () => point.states[k], (a, b) => moved([a, b]));

  const drew = key(6, "draws of the flow");
  drew.hidden = true;
  left.head.textContent = "x, on the plane of the data";
  const anew = ["Begin anew", () => { alone = false; start(seed + 1); }];
  const given = ["Given weights", () => {
    alone = false;
    train.stop();
    choose(0);
  }];

  start(0);
  const half = (...children) => el("div", { class: "gm-side gm-below" }, ...children);
  const head = (...children) => el("div", { class: "gm-head" }, ...children);
  return [
    el("div", { class: "gm-body" },
      el("div", { class: "gm-row" },
        half(head(left.head), left.node,
          el("div", { class: "gm-legend" }, key(0, "data"), drew), which.node),
        half(head(right.head), right.node, steps.node, buttons(play.button, ...ways))),
      el("div", { class: "gm-row", style: "margin-top:1rem" },
        half(where, el("div", { class: "gm-panel" }, terms)),
        half(buttons(train.button, anew, ...(identity ? [] : [given])),
          el("div", { class: "gm-panel gm-losses" }, told, chart), spoken.node)),
      el("div", { class: "gm-help" },
        "Drag the point on either plane, or use the arrow keys (Shift: larger steps; Home: "
        + "back). Bars: log N(z) and each layer's log |det|, which add up to log p(x), in "
        + "nats. Dotted rings: one, two and three standard deviations of the normal. Begin "
        + "anew: from the identity. The loss is that of the points shown, which the flow does "
        + "not learn from; dashed: that of the true density on the same points, where it is "
        + "known.")),
    { set: find, layer, way, choose, update, start,
      run(points) {
        const { states, log_dets } = run(Float32Array.from(points));
        return { states: states.map((s) => Array.from(s)), log_dets: log_dets.map((l) => Array.from(l)) };
      },
      back: (points, k) => Array.from(back(Float32Array.from(points), k)[0]),
      get: () => ({ count, k, backward, x: spot.slice(), losses: losses.slice(),
        truth: set.truth,
        weights: layers.map(({ net }) => Array.from(net.weights)),
        gradients: layers.map(({ net }) => Array.from(net.gradients)) }) },
  ];
};
