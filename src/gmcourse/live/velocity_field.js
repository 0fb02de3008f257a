// A continuous flow of the plane, for velocity_field.py.  Left: points that move along the
// velocity.  Right: the log-density of one of them on its way, and the solver.
GM.figures.velocity_field = function (data, root) {
  const { el, svg, number, speaker, slider, buttons, choice, drag, motion } = GM.tools;
  const { extent } = data;
  const { SIZE, across, down, fixed, unit, area, dots, line, scattered, key, steered, within } =
    GM.plane(extent);
  const numbers = (packed) => Float64Array.from(GM.half(GM.bytes(packed)));

  // ---- the flow --------------------------------------------------------------

  // From t = 0, the data, to t = 1, noise; `back` is the way from noise to data.  Here and
  // below a state is one array of numbers, and a rate (t, state) gives one of its size.
  const net = GM.train.mlp(data.spec, numbers(data.weights));
  function field(t, x) {
    const rows = new Float64Array((3 * x.length) / 2);
    for (let i = 0, at = 0; i < x.length; i += 2) {
      rows[at++] = x[i];
      rows[at++] = x[i + 1];
      rows[at++] = t;
    }
    return net.forward(rows);
  }
  // One point and the integral of the divergence, dv1/dx1 + dv2/dx2: exactly, by the slopes
  // of v1 and v2, for which the net sees the point twice.
  function counted(t, [x1, x2]) {
    const [v1, v2] = field(t, [x1, x2, x1, x2]);
    const slopes = net.backward(Float64Array.of(1, 0, 0, 1), false);
    return Float64Array.of(v1, v2, slopes[0] + slopes[4]);
  }

  const moved = (x, dt, v) => x.map((value, i) => value + dt * v[i]);
  const METHODS = {
    Euler: { cost: 1, step: (f, t, dt, x) => moved(x, dt, f(t, x)) },
    RK4: { cost: 4, step(f, t, dt, x) { // Kutta (1901)
      const a = f(t, x), b = f(t + dt / 2, moved(x, dt / 2, a));
      const c = f(t + dt / 2, moved(x, dt / 2, b)), d = f(t + dt, moved(x, dt, c));
      return x.map((value, i) => value + (dt / 6) * (a[i] + 2 * b[i] + 2 * c[i] + d[i]));
    } },
  };
  const NAMES = Object.keys(METHODS), STEPS = [1, 2, 4, 8, 16, 32];
  const REFERENCE = { name: "RK4", steps: 64 };
  function* path(f, x, back, { name, steps }) { // the states, the first and the last too
    const dt = (back ? -1 : 1) / steps;
    yield x;
    for (let i = 0; i < steps; i++) {
      yield x = METHODS[name].step(f, (back ? 1 : 0) + i * dt, dt, x);
    }
  }
  // At any time, on straight lines between the states of a path.
  function during(states, t) {
    const at = (back ? 1 - t : t) * (states.length - 1);
    const i = Math.min(Math.floor(at), states.length - 2), part = at - i;
    return states[i].map((v, k) => v + part * (states[i + 1][k] - v));
  }

  // ---- what is known of the way that is shown --------------------------------

  const ends = { noise: numbers(data.noise), points: numbers(data.points) };
  let back = true, t = 1, solver = { name: "RK4", steps: 8 }, spot = data.start;
  let cloud = null, mine = null, exact = null; // states by the solver; mine by 64 steps
  const arrivals = new Map(); // of the cloud by 64 steps, each way once
  const begin = () => (back ? ends.noise : ends.points);

  function refine() { // a little at a time, while the page goes on
    const way = back;
    if (arrivals.has(way)) return;
    arrivals.set(way, null);
    const states = path(field, begin(), way, REFERENCE);
    let last = null;
    (function some() {
      const until = performance.now() + 12;
      do {
        const { value, done } = states.next();
        if (done) {
          arrivals.set(way, last);
          return judge();
        }
        last = value;
      } while (performance.now() < until);
      setTimeout(some);
    })();
  }
  function gap(a, b) { // the mean distance
    let sum = 0;
    for (let i = 0; i < a.length; i += 2) sum += Math.hypot(a[i] - b[i], a[i + 1] - b[i + 1]);
    return (2 * sum) / a.length;
  }
  // log N(z), the integral of the divergence from t to 1, and their sum, log p_t(x(t)).
  function terms(states, time) {
    const z = back ? states[0] : states.at(-1);
    const normal = -Math.log(2 * Math.PI) - (z[0] ** 2 + z[1] ** 2) / 2;
    const rest = z[2] - during(states, time)[2];
    return [normal, rest, normal + rest];
  }

  // ---- the plane -------------------------------------------------------------

  const stroke = (style) => svg("path", { class: "gm-curve", style });
  const arrows = stroke("stroke:var(--gm-soft);stroke-width:1;opacity:.55");
  const goal = dots(3, 0.45), here = [dots(0), dots(6)];
  const dashed = "stroke:var(--gm-soft);stroke-width:1.4;stroke-dasharray:4 4";
  const exact_way = stroke(dashed), way = stroke("stroke:var(--gm-ink);stroke-width:1.8");
  const stops = stroke("stroke:var(--gm-ink);stroke-width:4.5;stroke-linecap:round");
  const now = svg("circle", { r: 6, style: "fill:var(--gm-ink);stroke:var(--gm-panel);stroke-width:2" });
  const plane = area([arrows, goal, ...here], [exact_way, way, stops, now]);

  // A grid of arrows: where points go at the time shown, as long as they are fast.  The
  // scale is one for all times; the tenth that would be longer than a cell is cut.
  const SIDE = 15, CELL = SIZE / SIDE;
  const grid = Float64Array.from({ length: 2 * SIDE * SIDE }, function (_, i) {
    const at = i >> 1, k = i % 2 ? Math.floor(at / SIDE) : at % SIDE;
    return extent * ((2 * k + 1) / SIDE - 1);
  });
  const speeds = [0, 0.25, 0.5, 0.75, 1].flatMap(function (time) {
    const v = field(time, grid);
    return Array.from({ length: SIDE * SIDE }, (_, i) => Math.hypot(v[2 * i], v[2 * i + 1]));
  }).sort((a, b) => a - b);
  const scale = CELL / (speeds[Math.floor(0.9 * speeds.length)] || 1);
  function blow() {
    const v = field(t, grid), heading = back ? -scale : scale;
    let d = "";
    for (let i = 0; i < v.length; i += 2) {
      const speed = scale * Math.hypot(v[i], v[i + 1]);
      const cut = speed > CELL ? CELL / speed : 1;
      const dx = cut * heading * v[i], dy = -cut * heading * v[i + 1];
      const x = across(grid[i]) + dx / 2, y = down(grid[i + 1]) + dy / 2; // the tip
      const wing = (side) => `${fixed(x - 0.3 * dx - side * dy)} ${fixed(y - 0.3 * dy + side * dx)}`;
      d += `M${fixed(x - dx)} ${fixed(y - dy)}L${fixed(x)} ${fixed(y)}`
        + `M${wing(0.18)}L${fixed(x)} ${fixed(y)}L${wing(-0.18)}`;
    }
    arrows.setAttribute("d", d);
  }

  // ---- the log-density on the way --------------------------------------------

  const WIDTH = 400, HEIGHT = 190, EDGE = 26;
  const level = svg("path", { class: "gm-level" });
  const exact_curve = stroke(dashed), curve = stroke("stroke:var(--gm-ink);stroke-width:1.8");
  const rest = svg("path", { class: "gm-curve gm-stroke4", style: "stroke-width:5" });
  const top = svg("circle", { r: 5, style: "fill:var(--gm-ink)" });
  const time_x = (time) => EDGE + (WIDTH - 2 * EDGE) * time;
  const tick = (x, anchor, text) => svg("text", { x, y: HEIGHT - 7, "text-anchor": anchor }, text);
  const level_name = svg("text", { x: EDGE, "text-anchor": "start" }, "log N(x) at t = 1");
  const chart = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, "aria-hidden": "true" },
    svg("g", { class: "gm-grid" }, level), exact_curve, curve, rest, top,
    svg("g", { class: "gm-ticks" }, level_name, tick(time_x(0), "start", "t = 0, data"),
      tick(time_x(1), "end", "t = 1, noise")));
  const rows = ["log N(x) at t = 1", "\u222b tr(dv/dx) dt from t to 1", "log p(x) at t"].map((text, k) => {
    const value = el("span", { class: "gm-value" });
    const dot = el("span", { class: `gm-dot ${k === 1 ? "gm-back4" : ""}`,
      ...(k === 1 ? {} : { style: `background:var(--gm-${k ? "ink" : "soft"})` }) });
    return { value, node: el("div", { class: "gm-head" }, el("span", {}, dot, text), value) };
  });
  let height = null; // of a log-density in the chart
  function plot() {
    const known = [mine, exact].map((states) => states.map(function (_, i) {
      const part = i / (states.length - 1), time = back ? 1 - part : part;
      return [time, terms(states, time)[2]];
    }));
    const [normal] = terms(mine, 1), all = [normal, ...known.flat().map(([, v]) => v)];
    const low = Math.min(...all), high = Math.max(...all), span = Math.max(high - low, 0.2);
    height = (v) => HEIGHT - EDGE - 8 - ((HEIGHT - EDGE - 26) * (v - low)) / span;
    [curve, exact_curve].forEach((one, k) => one.setAttribute("d", "M"
      + known[k].map(([time, v]) => `${fixed(time_x(time))} ${fixed(height(v))}`).join("L")));
    level.setAttribute("d", `M${EDGE} ${fixed(height(normal))}H${WIDTH - EDGE}`);
    level_name.setAttribute("y", fixed(height(normal) - 5));
  }
  const where = el("div", { class: "gm-near", style: "margin-top:.4rem" }), spoken = speaker();

  // ---- what is drawn, by what has changed ------------------------------------

  function judge() { // the way as a whole: what the solver costs, how near it comes
    const due = arrivals.get(back), { name, steps } = solver;
    goal.setAttribute("d", due ? scattered(due) : "");
    const told = (v) => (v < 5e-5 ? "less than 0.0001" : number(v, 4));
    cost.textContent = steps * METHODS[name].cost;
    gaps[0].textContent = due ? told(gap(cloud.at(-1), due)) : "\u2026";
    gaps[1].textContent = told(gap(mine.at(-1).slice(0, 2), exact.at(-1).slice(0, 2)));
  }
  function carry() { // another direction or solver
    cloud = [...path(field, begin(), back, solver)];
    refine();
    find(...spot);
    view();
  }
  function find(x1, x2) {
    spot = within(x1, x2);
    const from = Float64Array.of(...spot, 0);
    mine = [...path(counted, from, back, solver)];
    exact = [...path(counted, from, back, REFERENCE)];
    plane.place(...spot);
    const flat = (states) => states.flatMap(([a, b]) => [a, b]);
    way.setAttribute("d", line(flat(mine)));
    exact_way.setAttribute("d", line(flat(exact)));
    stops.setAttribute("d", scattered(flat(mine)));
    plot();
    judge();
    account();
    return spot.slice();
  }
  function account() { // of the point, at the time shown
    const [x1, x2] = during(mine, t), found = terms(mine, t);
    now.setAttribute("cx", fixed(across(x1)));
    now.setAttribute("cy", fixed(down(x2)));
    const x = fixed(time_x(t)), y = fixed(height(found[2]));
    rest.setAttribute("d", `M${x} ${fixed(height(found[0]))}V${y}`);
    top.setAttribute("cx", x);
    top.setAttribute("cy", y);
    // What is read adds up: the difference of rounded numbers.
    const cents = found.map((v) => Math.round(100 * v));
    cents[1] = cents[2] - cents[0];
    rows.forEach(({ value }, k) => {
      value.textContent = (k === 1 && cents[1] > 0 ? "+" : "") + number(cents[k] / 100);
    });
    const pair = (a, b) => `(${number(a)}, ${number(b)})`, [a1, a2] = mine.at(-1);
    where.textContent = `from ${pair(...spot)}, at t = ${number(t)}: ${pair(x1, x2)}`;
    const words = `from ${number(spot[0])}, ${number(spot[1])} at t = ${back ? 1 : 0} to `
      + `${number(a1)}, ${number(a2)} at t = ${back ? 0 : 1}; at t = ${number(t)}: `
      + ["log N", "integral of the divergence", "log p"].map((name, k) => `${name} ${rows[k].value.textContent}`).join(", ");
    plane.handle.setAttribute("aria-label", `${data.label}: ${words}`);
    spoken.say(words);
  }
  function view() { // another time
    const points = scattered(during(cloud, t));
    here.forEach((one, k) => one.setAttribute("d", back === (k === 1) ? points : ""));
    blow();
    times.show(Math.round(100 * t));
    account();
  }

  // ---- the reader ------------------------------------------------------------

  let alone = data.wander, rested = 0;
  const SECONDS = 5, PAUSE = 1.2; // of a way, and of the rest at its end
  const play = motion(root, "Play", data.wander, function (seconds) {
    const heading = back ? -1 : 1, end = back ? 0 : 1;
    if (t === end) {
      rested += seconds;
      if (rested < PAUSE) return;
      t = 1 - end;
      rested = 0;
    } else t = Math.min(1, Math.max(0, t + (heading * seconds) / SECONDS));
    view();
  });
  play.button.addEventListener("click", () => { // from an end it begins anew, at once
    alone = false;
    rested = PAUSE;
  }, true);
  function calm() { // what began by itself ends when the reader takes over
    if (alone) play.stop();
    alone = false;
  }
  function time(to) {
    play.stop();
    t = to;
    view();
    return t;
  }
  const times = slider({ min: 0, max: 100, value: 100 },
    (i) => `time t = ${number(i / 100)}`, (i) => time(i / 100));
  function turn(to) { // the point goes back from where it has arrived
    if (back === to) return;
    back = to;
    ways.forEach((button, i) => button.setAttribute("aria-pressed", String(back === (i === 0))));
    spot = within(...mine.at(-1).slice(0, 2));
    key_here.replaceChildren(back ? key(6, "normal draws on their way") : key(0, "data on its way"));
    carry();
  }
  const ways = ["noise to data", "data to noise"].map(function (text, i) {
    const button = el("button", { type: "button", "aria-pressed": String(i === 0) }, text);
    button.addEventListener("click", () => { calm(); turn(i === 0); });
    return button;
  });
  const key_here = el("span", {}, key(6, "normal draws on their way"));

  function solve(name, steps) {
    if (!(name in METHODS) || !STEPS.includes(steps)) {
      throw new RangeError(`no solver ${name} of ${steps} steps`);
    }
    solver = { name, steps };
    which.node.querySelector("select").selectedIndex = NAMES.indexOf(name);
    count.show(STEPS.indexOf(steps));
    carry();
  }
  const which = choice("solver", NAMES, 1, (i) => { calm(); solve(NAMES[i], solver.steps); });
  const count = slider({ min: 0, max: STEPS.length - 1, value: 3 },
    (i) => `steps ${STEPS[i]}`, (i) => { calm(); solve(solver.name, STEPS[i]); });
  const [cost, ...gaps] = [0, 1, 2].map(() => el("span", { class: "gm-value" }));
  const row = (text, value) => el("div", { class: "gm-head" }, el("span", {}, text), value);

  drag(plane.node, plane.handle, calm, (x, y) => find(...unit(x, y)));
  steered(plane.handle, calm, () => find(...data.start), () => spot, find);

  carry();
  return [
    el("div", { class: "gm-body" },
      el("div", { class: "gm-row" },
        el("div", { class: "gm-left" }, plane.node, where,
          el("div", { class: "gm-legend" }, key_here, key(3, "where 64 steps arrive")),
          times.node, buttons(play.button, ...ways)),
        el("div", { class: "gm-side gm-below" },
          el("div", { class: "gm-panel" }, ...rows.map(({ node }) => node), chart),
          el("div", { class: "gm-controls" }, which.node, count.node),
          el("div", { style: "margin-top:.7rem;font-size:.9em" }, row("evaluations of v", cost),
            row("gap to 64 steps of RK4, mean", gaps[0]), row("gap of the point with the ring", gaps[1])),
          spoken.node)),
      el("div", { class: "gm-help" },
        "Drag the ring, where a path begins, or use the arrow keys (Shift: larger steps; Home: "
        + "back). Arrows: where points go at the time shown, their velocity or, from noise to "
        + "data, its opposite; the longest are cut. Dots on the path: the solver's steps; dashed: "
        + "64 steps of RK4. Dotted rings: one, two and three standard deviations of the normal. "
        + "Chart: the log-density of the moving point, in nats; purple: the divergence of the "
        + "velocity, tr(dv/dx), along its path, integrated from the time shown to t = 1. Gap: the distance "
        + "between the arrivals by the solver and by 64 steps of RK4.")),
    { set: find, time, turn, solve,
      field: (points, time) => Array.from(field(time, points)),
      divergence: (x1, x2, time) => counted(time, [x1, x2])[2],
      carry: (points, back, name, steps) =>
        [...path(field, Float64Array.from(points), back, { name, steps })].map((s) => Array.from(s)),
      get: () => ({ t, back, solver, start: spot.slice(), path: mine.map((s) => Array.from(s)),
        cloud: Array.from(during(cloud, t)), terms: terms(mine, t) }),
      gap: () => (arrivals.get(back) ? gap(cloud.at(-1), arrivals.get(back)) : null) },
  ];
};
