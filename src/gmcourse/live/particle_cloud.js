// A diffusion of the plane, for particle_cloud.py.  Left: a cloud on its way from noise to
// data.  Right: the loss of the net that moves it, and what the reader may set.
GM.figures.particle_cloud = function (data, root) {
  const { el, svg, number, random, speaker, slider, buttons, choice, keys, motion } = GM.tools;
  const { mlp, adam, normal, init } = GM.train;
  const { extent, classes, center, spread, frequencies } = data;
  const { SIZE, across, down, fixed, unit, area, dots, line, scattered, key, within } =
    GM.plane(extent);
  const numbers = (packed) => Float64Array.from(GM.half(GM.bytes(packed)));
  const mix = (a, x, b, y) => x.map((v, i) => a * v + b * y[i]);
  const outer = (x) => x.map((v) => center + spread * v), inner = (x) => x.map((v) => (v - center) / spread);

  // ---- the model -------------------------------------------------------------

  // Clouds are arrays x1, x2, x1, x2, ... in the model's inner units; x_t = alpha x + sigma
  // eps; t and the label c are one for all, or one of each.  The label `classes` says nothing.
  const NULL = classes, first = numbers(data.weights), net = mlp(data.spec, first.slice());
  const at = (t) => [Math.sin((Math.PI / 2) * (1 - t)), Math.sin((Math.PI / 2) * t)];
  const each = (v, i) => (typeof v === "number" ? v : v[i]);
  function say(x, t, c) {
    const width = 2 + 2 * frequencies + classes, n = x.length / 2, rows = new Float64Array(n * width);
    for (let i = 0; i < n; i++) {
      const row = rows.subarray(i * width, (i + 1) * width), angle = (Math.PI / 2) * each(t, i);
      row[0] = x[2 * i];
      row[1] = x[2 * i + 1];
      for (let k = 1; k <= frequencies; k++) {
        row[1 + k] = Math.sin(k * angle);
        row[1 + frequencies + k] = Math.cos(k * angle);
      }
      if (each(c, i) < NULL) row[2 + 2 * frequencies + each(c, i)] = 1;
    }
    return net.forward(rows);
  }
  // What the net says: data = skip x_t + out says.
  const reads = [() => [0, 1], (a, s) => [1 / a, -s / a], (a, s) => [a, (-2 * s) / Math.PI]][data.says];

  let evaluations = 0;
  // The estimate of the data, with the weight of what the label adds.
  const denoiser = (asked, weight) => function (x, t) {
    const [skip, out] = reads(...at(t));
    const told = (c) => {
      evaluations += 1;
      return mix(skip, x, out, say(x, t, c));
    };
    if (asked === NULL || weight === 1) return told(asked);
    const untold = told(NULL);
    return mix(weight, told(asked), 1 - weight, untold);
  };

  // One step from t to s each; `draw` is normal, `kept` lasts for the way.
  const SAMPLERS = [
    { name: "ancestral (DDPM)", step(ask, x, t, s, draw) { // Ho et al. (2020), eqs. 6 and 7
      const [a, z] = at(t), [b, w] = at(s), keep = a / b, added = z * z - keep * keep * w * w;
      const mean = mix((keep * w * w) / (z * z), x, (b * added) / (z * z), ask(x, t));
      const std = (w / z) * Math.sqrt(Math.max(added, 0));
      return std ? mean.map((v) => v + std * draw()) : mean;
    } },
    { name: "DDIM", step(ask, x, t, s) { // Song et al. (2021), eq. 12
      const [a, z] = at(t), [b, w] = at(s), clean = ask(x, t);
      return mix(w / z, x, b - (w * a) / z, clean);
    } },
    { name: "Heun", step(ask, x, t, s) { // Karras et al. (2022), algorithm 1
      const [a, z] = at(t), [b, w] = at(s), by = w / b - z / a;
      const eps = mix(1 / z, x, -a / z, ask(x, t)), ahead = mix(b / a, x, b * by, eps);
      if (!w) return ahead;
      const then = mix(1 / w, ahead, -b / w, ask(ahead, s));
      return mix(1, mix(b / a, x, (b * by) / 2, eps), (b * by) / 2, then);
    } },
    { name: "DPM-Solver++(2M)", step(ask, x, t, s, draw, kept) { // Lu et al. (2022), algorithm 2
      const [a, z] = at(t), [b, w] = at(s), clean = ask(x, t);
      if (!w) return clean.map((v) => b * v);
      const h = Math.log(b / w) - Math.log(a / z), r = kept.h ? h / (2 * kept.h) : 0;
      const next = mix(w / z, x, -b * Math.expm1(-h), r ? mix(1 + r, clean, -r, kept.clean) : clean);
      Object.assign(kept, { h, clean });
      return next;
    } },
  ];
  const BEGIN = (2 / Math.PI) * Math.atan(80); // sigma / alpha is 80
  function carry(x, { sampler, steps, asked, weight, draws }) {
    const ask = denoiser(asked, weight), states = [x], kept = {};
    let used = 0;
    const draw = draws ? () => draws[used++] : normal(random(77 + seed));
    const time = (i) => BEGIN * (1 - i / steps);
    for (let i = 0; i < steps; i++) {
      x = SAMPLERS[sampler].step(ask, x, time(i), i + 1 < steps ? time(i + 1) : 0, draw, kept);
      states.push(x);
    }
    return states;
  }

  // ---- training --------------------------------------------------------------

  const sets = data.sets.map(function ({ name, groups }) {
    const parts = groups.map(numbers);
    return { name, points: Float64Array.from(parts.flatMap((part) => Array.from(part))),
      labels: parts.flatMap((part, c) => new Array(part.length / 2).fill(classes ? c : NULL)) };
  });
  const drawn = { name: "your own drawing", points: new Float64Array(0), labels: [] };
  sets.push(drawn);
  let set = sets[0], seed = 0, count = 0, loss = null, losses, block, optimizer, uniform, gauss;

  function start(from) { // seed 0: the weights that the page came with
    seed = from;
    if (seed === 0) net.weights.set(first);
    else init(data.spec, net.weights, random(seed));
    learn();
  }
  function learn() { // from here on
    uniform = random(1000 + seed);
    gauss = normal(uniform);
    optimizer = adam(net.weights, {});
    count = 0;
    loss = null;
    losses = [];
    block = { size: 5, held: 0, sum: 0 };
    sample();
  }
  function batch() {
    const n = data.batch, x = new Float64Array(2 * n), c = [], t = [];
    for (let i = 0; i < n; i++) {
      const row = Math.floor((uniform() * set.points.length) / 2);
      x.set(set.points.subarray(2 * row, 2 * row + 2), 2 * i);
      c.push(uniform() < data.drop ? NULL : set.labels[row]);
      t.push(1e-3 + (1 - 2e-3) * uniform());
    }
    return { x, c, t, eps: Float64Array.from({ length: 2 * n }, gauss) };
  }
  function update(given) { // false where there are no points yet
    if (!given && !set.points.length) return false;
    const { x, c, t, eps } = given || batch(), clean = inner(Float64Array.from(x));
    const noisy = clean.map(function (v, i) {
      const [a, s] = at(t[i >> 1]);
      return a * v + s * eps[i];
    });
    let sum = 0;
    const slopes = say(noisy, t, c).map(function (said, i) {
      const [skip, out] = reads(...at(t[i >> 1]));
      const error = said - (clean[i] - skip * noisy[i]) / out;
      sum += error * error;
      return (2 * error) / clean.length;
    });
    net.backward(slopes);
    optimizer.rate = data.rate / Math.sqrt(1 + count / 200);
    optimizer.step(net.gradients);
    loss = sum / clean.length;
    count += 1;
    block.sum += loss;
    block.held += 1;
    if (block.held === block.size) {
      losses.push(block.sum / block.size);
      Object.assign(block, { held: 0, sum: 0 });
      if (losses.length === 200) { // half as many points, each of twice as many updates
        losses = losses.filter((_, i) => i % 2 === 0).map((v, i) => (v + losses[2 * i + 1]) / 2);
        block.size *= 2;
      }
    }
    return true;
  }

  // ---- the cloud -------------------------------------------------------------

  const SHOWN = 300, PATHS = 14;
  let how = { sampler: data.sampler, steps: data.steps, asked: NULL, weight: 1 };
  let noises = 0, states, t = data.trains ? 0 : BEGIN, cost = 0, took = 0;
  function sample() {
    const draw = normal(random(5 + noises)), began = performance.now();
    evaluations = 0;
    const [, sigma] = at(BEGIN);
    states = carry(Float64Array.from({ length: 2 * SHOWN }, () => sigma * draw()), how).map(outer);
    cost = evaluations;
    took = performance.now() - began;
    view();
  }
  function during() { // on straight lines between the steps; and how many are behind
    const place = (1 - t / BEGIN) * how.steps, i = Math.min(Math.floor(place), how.steps - 1);
    return [mix(1 - (place - i), states[i], place - i, states[i + 1]), i];
  }

  // ---- the plane -------------------------------------------------------------

  const stroke = (style) => svg("path", { class: "gm-curve", style });
  const LABELS = classes ? ["blue", "purple"] : ["data"], COLORS = [0, 4];
  const goals = LABELS.map((_, k) => dots(COLORS[k], 0.4)), cloud = dots(6, 0.85);
  const arrows = stroke("stroke:var(--gm-soft);stroke-width:1;opacity:.6");
  const ways = stroke("stroke:var(--gm-ink);stroke-width:1.2;opacity:.55");
  const plane = area([...goals, arrows], [ways, cloud]);
  const hint = el("div", { class: "gm-hint" }, "Draw here"), picture = plane.node.querySelector("svg");
  plane.rings.remove(); // not what this figure is about
  plane.node.append(hint);
  plane.node.classList.add("gm-untouched");
  picture.removeAttribute("aria-hidden");
  picture.setAttribute("role", "img");

  // Arrows at a grid of points: where the velocity or the estimate leads, and how far, up
  // to the size of a cell.
  const SIDE = 15, CELL = SIZE / SIDE;
  const grid = Float64Array.from({ length: 2 * SIDE * SIDE }, function (_, i) {
    const cell = i >> 1, k = i % 2 ? Math.floor(cell / SIDE) : cell % SIDE;
    return extent * ((2 * k + 1) / SIDE - 1);
  });
  let pointing = 0; // velocity, estimate, none
  function blow() {
    if (pointing === 2) return arrows.setAttribute("d", "");
    const x = inner(grid), time = Math.max(t, 0.02), [a, s] = at(time);
    const clean = denoiser(how.asked, how.weight)(x, time);
    // d x_t / dt = pi / 2 (alpha x_t - data) / sigma, and time falls.
    const to = pointing ? mix(1, clean, -1, x)
      : mix(Math.PI / 2 / s, clean, ((-Math.PI / 2) * a) / s, x);
    let d = "";
    for (let i = 0; i < to.length; i += 2) {
      const long = Math.hypot(to[i], to[i + 1]) || 1, scale = (CELL * Math.tanh(long / 1.5)) / long;
      const dx = scale * to[i], dy = -scale * to[i + 1];
      const u = across(grid[i]) + dx / 2, v = down(grid[i + 1]) + dy / 2; // the tip
      const wing = (side) => `${fixed(u - 0.3 * dx - side * dy)} ${fixed(v - 0.3 * dy + side * dx)}`;
      d += `M${fixed(u - dx)} ${fixed(v - dy)}L${fixed(u)} ${fixed(v)}`
        + `M${wing(0.18)}L${fixed(u)} ${fixed(v)}L${wing(-0.18)}`;
    }
    arrows.setAttribute("d", d);
  }

  // ---- what is read ----------------------------------------------------------

  const WIDTH = 400, HEIGHT = 120, curve = svg("path", { class: "gm-curve gm-thin gm-stroke4" });
  const ticks = svg("g", { class: "gm-ticks" });
  const chart = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, "aria-hidden": "true" }, curve, ticks);
  const value = el("span", { class: "gm-value" }), spent = el("span", { class: "gm-value" });
  const where = el("span", { class: "gm-value" }), spoken = speaker();
  function plot() {
    const top = Math.max(...losses, 1e-9), low = Math.min(...losses, top), span = top - low || 1;
    const y = (v) => 14 + ((HEIGHT - 28) * (top - v)) / span;
    const x = (i) => 8 + (i * (WIDTH - 62)) / Math.max(30, losses.length - 1);
    curve.setAttribute("d", losses.length
      ? `M${losses.map((v, i) => `${fixed(x(i))} ${fixed(y(v))}`).join("L")}` : "");
    ticks.replaceChildren(...(losses.length > 1 ? [top, low] : []).map((v) =>
      svg("text", { x: WIDTH - 48, y: fixed(y(v) + 4) }, number(v))));
  }
  function view() {
    const [points, passed] = during();
    cloud.setAttribute("d", scattered(points));
    let d = "";
    for (let k = 0; k < PATHS; k++) {
      const way = [...states.slice(0, passed + 1), points].flatMap((x) => [x[2 * k], x[2 * k + 1]]);
      d += line(way);
    }
    ways.setAttribute("d", d);
    blow();
    plot();
    times.show(Math.round((100 * t) / BEGIN));
    where.textContent = `step ${count.toLocaleString("en-US")}`;
    value.textContent = losses.length ? `loss ${number(losses.at(-1), 3)}` : "loss \u2026";
    spent.textContent = cost;
    const words = `cloud at t = ${number(t)}, ${SAMPLERS[how.sampler].name}, ${how.steps} steps, ${cost} `
      + `evaluations; training ${where.textContent}, ${value.textContent}`;
    picture.setAttribute("aria-label", `${data.label}: ${words}`);
    spoken.say(words);
  }
  function target() { // other points of data
    goals.forEach(function (goal, c) {
      const mine = set.points.filter((_, i) => !classes || set.labels[i >> 1] === c);
      goal.setAttribute("d", scattered(mine));
    });
    hint.hidden = set !== drawn || set.points.length > 0;
    for (const one of [cloud, ways]) one.style.visibility = hint.hidden ? "" : "hidden";
  }

  // ---- the reader ------------------------------------------------------------

  let alone = data.wander, rested = 0, sampled = 0;
  const SECONDS = 4, PAUSE = 1.2; // of a way, and of the rest at its end
  const play = motion(root, "Play", data.wander && !data.trains, function (seconds) {
    if (t === 0) {
      rested += seconds;
      if (rested < PAUSE) return;
      t = BEGIN;
      rested = 0;
    } else t = Math.max(0, t - (BEGIN * seconds) / SECONDS);
    view();
  });
  // Two thirds of the time are for training, 500 updates a second at most, and a fifth of it
  // for other clouds.
  const run = motion(root, "Train", data.wander && data.trains, function (seconds) {
    const until = performance.now() + Math.min(100, 670 * seconds);
    for (let i = 0; i < 500 * seconds && performance.now() < until; i++) {
      if ((alone && count >= data.trains) || !update()) break;
    }
    if (performance.now() - sampled > Math.max(300, 5 * took)) {
      sample();
      sampled = performance.now();
    } else view();
    if (alone && count >= data.trains) {
      run.stop();
      sample();
      play.start();
    }
  });
  function calm() { // what began by itself ends when the reader takes over
    if (alone) [play, run].forEach((one) => one.stop());
    alone = false;
  }
  for (const { button } of [play, run]) {
    button.addEventListener("click", () => { alone = false; rested = PAUSE; }, true);
  }
  run.button.addEventListener("click", () => sample());
  function time(to) {
    play.stop();
    t = Math.min(BEGIN, Math.max(0, to));
    view();
    return t;
  }
  const times = slider({ min: 0, max: 100, value: 0 },
    (i) => `time t = ${number((BEGIN * i) / 100)}`, (i) => { calm(); time((BEGIN * i) / 100); });
  const set_to = (name) => function (v) {
    calm();
    how[name] = v;
    sample();
  };
  const which = choice("sampler", SAMPLERS.map(({ name }) => name), how.sampler, set_to("sampler"));
  const steps = slider({ min: 1, max: 50, value: how.steps }, (i) => `steps ${i}`, set_to("steps"));
  const weight = slider({ min: 0, max: 16, value: 2 }, (i) => `guidance ${number(i / 2, 1)}`,
    (i) => set_to("weight")(i / 2));
  weight.node.style.visibility = "hidden";
  const label = choice("label", ["none", ...LABELS], 0, function (i) {
    weight.node.style.visibility = i ? "" : "hidden";
    set_to("asked")(i ? i - 1 : NULL);
  });
  const arrow = choice("arrows", ["velocity", "estimated data", "none"], 0, function (i) {
    calm();
    pointing = i;
    view();
  });
  const chosen = choice("data", sets.map(({ name }) => name), 0, function (i) {
    calm();
    set = sets[i];
    for (const node of [plane.handle, clear, ink]) node.hidden = set !== drawn || (node === ink && !classes);
    plane.node.classList.toggle("gm-drawing", set === drawn);
    target();
    play.stop();
    t = 0;
    learn(); // from the weights as they are
    if (set.points.length) run.start();
    else run.stop();
  });

  // The reader's own data: five points, a little spread, for each tenth of the way.
  const spray = normal(random(9)), MOST = 3000; // then the oldest go
  let spot = [0, 0], pen = 0, drawing = null;
  function add(points, c = pen) {
    drawn.points = Float64Array.from([...drawn.points, ...points].slice(-2 * MOST));
    drawn.labels = [...drawn.labels, ...new Array(points.length / 2).fill(classes ? c : NULL)].slice(-MOST);
    target();
  }
  function dab(x, y) {
    spot = within(x, y);
    plane.place(...spot);
    plane.handle.setAttribute("aria-label", `Pen at ${number(spot[0])}, ${number(spot[1])}`);
  }
  function stroke_to(x, y) { // from where the pen is
    const [x0, y0] = spot, n = Math.max(1, Math.round(Math.hypot(x - x0, y - y0) / 0.1)), points = [];
    dab(x, y);
    for (let k = 1; k <= n; k++) {
      for (let i = 0; i < 5; i++) {
        points.push(x0 + ((spot[0] - x0) * k) / n + 0.1 * spray(), y0 + ((spot[1] - y0) * k) / n + 0.1 * spray());
      }
    }
    add(points);
  }
  function place(event) {
    const box = plane.node.getBoundingClientRect();
    return unit((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
  }
  plane.node.addEventListener("pointerdown", function (event) {
    if (set !== drawn || event.button !== 0) return;
    calm();
    drawing = event.pointerId;
    plane.node.setPointerCapture(drawing);
    plane.handle.focus({ preventScroll: true });
    event.preventDefault();
    dab(...place(event));
    stroke_to(...spot);
  });
  plane.node.addEventListener("pointermove", function (event) {
    if (event.pointerId === drawing) stroke_to(...place(event));
  });
  plane.node.addEventListener("lostpointercapture", function () {
    drawing = null;
    run.start();
  });
  plane.handle.setAttribute("aria-roledescription", "pen");
  keys(plane.handle, calm, function (right, up, large) {
    const by = large ? 0.5 : 0.1;
    if (right === null) dab(0, 0);
    else stroke_to(spot[0] + by * right, spot[1] + by * up);
  });
  const clear = el("button", { type: "button" }, "Clear");
  clear.addEventListener("click", function () {
    calm();
    Object.assign(drawn, { points: new Float64Array(0), labels: [] });
    target();
  });
  const ink = el("button", { type: "button" }, `Pen: ${LABELS[0]}`);
  ink.addEventListener("click", function () {
    pen = 1 - pen;
    ink.textContent = `Pen: ${LABELS[pen]}`;
  });
  for (const node of [plane.handle, clear, ink]) node.hidden = true;

  dab(0, 0);
  target();
  start(0);
  return [
    el("div", { class: "gm-body" },
      el("div", { class: "gm-row" },
        el("div", { class: "gm-left" }, plane.node,
          el("div", { class: "gm-legend" }, ...LABELS.map((text, k) => key(COLORS[k], text)), key(6, "cloud")),
          times.node,
          buttons(play.button, ["New noise", () => { calm(); noises += 1; sample(); }], ink, clear)),
        el("div", { class: "gm-side gm-below" },
          el("div", { class: "gm-panel" }, el("div", { class: "gm-head" }, where, value), chart),
          buttons(run.button, ["Step", () => { calm(); run.stop(); update(); sample(); }],
            ["New start", () => { calm(); t = 0; start(seed + 1); }]),
          el("div", { class: "gm-controls", style: "margin-top:.9rem" }, chosen.node, which.node,
            steps.node, ...(classes ? [label.node, weight.node] : []), arrow.node),
          el("div", { class: "gm-head", style: "margin-top:.7rem;font-size:.9em" },
            "evaluations of the net", spent), spoken.node)),
      el("div", { class: "gm-help" },
        "Train teaches the net the data that are chosen; New start forgets all. The time goes from noise, "
        + "t = 1, to data, t = 0; lines: the ways of a few points. Arrows lead along the velocity as time "
        + "falls, or toward the estimate of the data; none is longer than a cell. The loss does not go to 0: what noise "
        + "hides nobody can tell. "
        + (classes ? "Guidance: 1 is the net that is told the label, more goes beyond it. " : "")
        + "To draw: choose your own drawing, then mouse or finger, or the arrow keys on the pen (Shift: "
        + "larger steps; Home: to the center).")),
    { update, start, time, draw: add,
      net: (x, t, c) => Array.from(say(Float64Array.from(x), t, c)),
      carry: (x, how) => carry(Float64Array.from(x), how).map((state) => Array.from(state)),
      get: () => ({ t, count, loss, evaluations: cost, ...how, weights: Array.from(net.weights),
        points: Array.from(set.points), labels: Array.from(set.labels),
        cloud: Array.from(during()[0]), last: Array.from(states.at(-1)) }) },
  ];
};
