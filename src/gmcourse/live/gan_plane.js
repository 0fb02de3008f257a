// A GAN in training, for gan_plane.py.  Left: real points and samples over the critic's
// opinion of the plane.  Right: the losses over the updates, and what the reader may set.
GM.figures.gan_plane = function (data, root) {
  const { el, svg, number, random, speaker, slider, buttons, choice, grip, keys,
    motion, colors } = GM.tools;
  const { mlp, adam, normal, init } = GM.train;
  const { extent, batch, betas } = data;
  const BLUE = colors[0], ORANGE = colors[6];

  // ---- the games -------------------------------------------------------------
  // By the critic's value v of one example, [loss, slope]: the critic's for a real one,
  // its for one that was made, the generator's.  `even`: the losses of critic and
  // generator at v = 0, where the critic cannot tell.

  const sigmoid = (v) => 1 / (1 + Math.exp(-v));
  const softplus = (v) => Math.max(v, 0) + Math.log1p(Math.exp(-Math.abs(v)));
  const minus = [(v) => -v, () => -1];
  const classifies = {
    real: [(v) => softplus(-v), (v) => -sigmoid(-v)], made: [softplus, sigmoid], shade: sigmoid };
  const games = [
    { name: "non-saturating", ...classifies,
      generator: [(v) => softplus(-v), (v) => -sigmoid(-v)], even: ["log 4", "log 2"] },
    { name: "minimax, saturating", ...classifies,
      generator: [(v) => -softplus(v), (v) => -sigmoid(v)], even: ["log 4", "\u2212log 2"] },
    { name: "hinge", generator: minus, even: ["2", "0"], shade: (v) => (1 + v) / 2,
      real: [(v) => Math.max(0, 1 - v), (v) => (v < 1 ? -1 : 0)],
      made: [(v) => Math.max(0, 1 + v), (v) => (v > -1 ? 1 : 0)] },
    { name: "Wasserstein, clipped", real: minus, made: [(v) => v, () => 1],
      generator: minus, even: ["0", "0"], clip: data.clip },
  ];

  // ---- the players -----------------------------------------------------------

  const players = data.nets.map(function ({ spec, weights }) {
    const first = GM.half(GM.bytes(weights));
    return { spec, first, net: mlp(spec, first.slice()), adam: null };
  });
  const [critic, generator] = players, latent = generator.spec[0][1];
  const sets = data.sets.map((set) => ({ ...set, points: GM.half(GM.bytes(set.points)) }));
  const drawn = { name: "your own drawing", points: new Float32Array(0), modes: null };
  sets.push(drawn);

  let set = sets[0], game = games[data.game], rates = data.rates.slice(), turns = data.steps;
  let seed = 0, count = 0, uniform, gauss, last, right, losses, block;

  const noise = (n) => Float32Array.from({ length: n * latent }, gauss);
  const shown = Float32Array.from({ length: 500 * latent }, normal(random(5)));

  function start(from) { // seed 0: the weights that the page came with
    seed = from;
    uniform = random(1000 + seed);
    gauss = normal(uniform);
    for (const { spec, first, net } of players) {
      if (seed === 0) net.weights.set(first);
      else init(spec, net.weights, uniform);
    }
    optimize();
    count = 0;
    last = right = null;
    losses = [];
    block = { size: 1, held: 0, sum: [0, 0] };
    draw();
  }
  function optimize() {
    for (const player of players) player.adam = adam(player.net.weights, { betas });
  }

  function reals() {
    const { points } = set, n = points.length / 2, x = new Float32Array(2 * batch);
    for (let i = 0; i < batch; i++) {
      const at = 2 * Math.floor(uniform() * n);
      x[2 * i] = points[at];
      x[2 * i + 1] = points[at + 1];
    }
    return x;
  }

  function judge(real, z) { // one step of the critic; the mean loss of a pair
    const made = generator.net.forward(z), n = made.length / 2;
    const both = new Float32Array(4 * n);
    both.set(real);
    both.set(made, 2 * n);
    const values = critic.net.forward(both), slopes = new Float32Array(2 * n);
    let loss = 0, good = 0;
    for (let i = 0; i < 2 * n; i++) {
      const [f, slope] = i < n ? game.real : game.made;
      loss += f(values[i]) / n;
      slopes[i] = slope(values[i]) / n;
      good += values[i] > 0 === i < n;
    }
    critic.net.backward(slopes);
    critic.adam.rate = data.choice[rates[0]];
    critic.adam.step(critic.net.gradients);
    if (game.clip) {
      const { weights } = critic.net;
      for (let i = 0; i < weights.length; i++) {
        weights[i] = Math.min(game.clip, Math.max(-game.clip, weights[i]));
      }
    }
    return [loss, good / (2 * n)];
  }

  // The generator's loss of samples, and its slope in them.
  function judged(samples, n) {
    const values = critic.net.forward(samples), [f, slope] = game.generator;
    let loss = 0;
    for (const v of values) loss += f(v) / n;
    return [loss, critic.net.backward(values.map((v) => slope(v) / n), false)];
  }

  function imitate(z) { // one step of the generator; its mean loss
    const [loss, slopes] = judged(generator.net.forward(z), z.length / latent);
    generator.net.backward(slopes);
    generator.adam.rate = data.choice[rates[1]];
    generator.adam.step(generator.net.gradients);
    return loss;
  }

  // The critic's turns, then the generator's; false where there are no points yet.
  function update(given) {
    if (!set.points.length && !given) return false;
    given = given || { critic: Array.from({ length: turns }, () => [reals(), noise(batch)]),
      generator: noise(batch) };
    let found;
    for (const [real, z] of given.critic) {
      found = judge(Float32Array.from(real), Float32Array.from(z));
    }
    last = { losses: [found[0], imitate(Float32Array.from(given.generator))], right: found[1] };
    right = right === null ? last.right : right + 0.03 * (last.right - right);
    count += 1;
    block.sum[0] += last.losses[0];
    block.sum[1] += last.losses[1];
    block.held += 1;
    if (block.held === block.size) {
      losses.push(block.sum.map((v) => v / block.size));
      block = { size: block.size, held: 0, sum: [0, 0] };
      if (losses.length === 300) { // half as many points, each of twice as many updates
        losses = losses.filter((_, i) => i % 2 === 0).map((pair, i) =>
          pair.map((v, q) => (v + losses[2 * i + 1][q]) / 2));
        block.size *= 2;
      }
    }
    return true;
  }

  // Of `samples`: how many modes have a quarter of their share within three standard
  // deviations, and the part of all samples that lies within those of any.
  function modes(samples) {
    const { means, stds, weights } = set.modes, n = samples.length / 2;
    const hits = means.map(() => 0);
    let near = 0;
    for (let i = 0; i < n; i++) {
      let any = false;
      means.forEach(function ([x, y], k) {
        if (Math.hypot(samples[2 * i] - x, samples[2 * i + 1] - y) > 3 * stds[k]) return;
        hits[k] += 1;
        any = true;
      });
      near += any;
    }
    const covered = hits.filter((hit, k) => hit >= (weights[k] * n) / 4).length;
    return { covered, of: means.length, near: near / n };
  }

  // ---- the plane -------------------------------------------------------------

  const SIZE = 840, CELLS = 40; // of the canvas, for screens of two dots a pixel
  const across = (v) => ((v + extent) / (2 * extent)) * SIZE;
  const down = (v) => SIZE - across(v);
  const canvas = el("canvas", { width: SIZE, height: SIZE, role: "img" });
  const pen = canvas.getContext("2d");
  const field = el("canvas", { width: CELLS, height: CELLS });
  const cells = Float32Array.from({ length: 2 * CELLS * CELLS }, function (_, i) {
    const at = Math.floor(i / 2);
    return i % 2 // rows from the top
      ? extent * (1 - (2 * (Math.floor(at / CELLS) + 0.5)) / CELLS)
      : extent * ((2 * ((at % CELLS) + 0.5)) / CELLS - 1);
  });
  const rgb = [ORANGE, BLUE].map((c) => [1, 3, 5].map((at) => parseInt(c.slice(at, at + 2), 16)));

  function opinion() { // blue where the critic says real, orange where it says made
    const values = critic.net.forward(cells), image = new ImageData(CELLS, CELLS);
    let shade = game.shade;
    if (!shade) { // values without a zero of their own: relative to their mean
      const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
      const spread = Math.max(...values.map((v) => Math.abs(v - mean))) || 1;
      shade = (v) => 0.5 + (v - mean) / (2 * spread);
    }
    values.forEach(function (v, i) {
      const s = Math.min(1, Math.max(0, shade(v)));
      image.data.set(rgb[s > 0.5 ? 1 : 0], 4 * i);
      image.data[4 * i + 3] = Math.min(130, 300 * Math.abs(s - 0.5));
    });
    field.getContext("2d").putImageData(image, 0, 0);
    pen.drawImage(field, 0, 0, SIZE, SIZE);
  }
  function dots(points, radius, color, edge) {
    pen.beginPath();
    for (let i = 0; i < points.length; i += 2) {
      const x = across(points[i]), y = down(points[i + 1]);
      pen.moveTo(x + radius, y);
      pen.arc(x, y, radius, 0, 7);
    }
    pen.fillStyle = color;
    pen.fill();
    if (!edge) return;
    pen.strokeStyle = edge;
    pen.lineWidth = 1;
    pen.stroke();
  }
  function arrows(samples) { // down the generator's loss, at a part of the samples
    const n = 120, part = samples.slice(0, 2 * n), [, slopes] = judged(part, n);
    pen.beginPath();
    for (let i = 0; i < n; i++) {
      const u = -n * slopes[2 * i], v = n * slopes[2 * i + 1], size = Math.hypot(u, v);
      if (!(size > 1e-6)) continue;
      const long = 70 * Math.tanh(size), a = Math.atan2(v, u), head = Math.min(12, 0.5 * long);
      const x = across(part[2 * i]), y = down(part[2 * i + 1]);
      const [tx, ty] = [x + long * Math.cos(a), y + long * Math.sin(a)];
      pen.moveTo(x, y);
      pen.lineTo(tx, ty);
      for (const turn of [2.6, -2.6]) {
        pen.moveTo(tx, ty);
        pen.lineTo(tx + head * Math.cos(a + turn), ty + head * Math.sin(a + turn));
      }
    }
    pen.strokeStyle = getComputedStyle(root).color; // ink, by day and by night
    pen.lineWidth = 2;
    pen.stroke();
  }

  const handle = grip();
  handle.setAttribute("aria-roledescription", "pen");
  const hint = el("div", { class: "gm-hint" }, "Draw here");
  const plane = el("div", { class: "gm-plane gm-untouched" }, canvas, hint, handle);
  const legend = el("div", { class: "gm-legend" });
  for (const [color, text] of [[0, "real"], [6, "made by the generator"]]) {
    legend.append(el("span", { class: "gm-key" },
      el("span", { class: `gm-dot gm-back${color}` }), text));
  }

  // ---- the losses ------------------------------------------------------------

  const WIDTH = 400, HEIGHT = 150;
  const curves = svg("g"), levels = svg("g", { class: "gm-grid" });
  const ticks = svg("g", { class: "gm-ticks" });
  const chart = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, "aria-hidden": "true" },
    levels, curves, ticks);
  const names = el("div", { class: "gm-head" },
    ...["the critic's loss", "the generator's loss"].map((text, q) =>
      el("span", {}, el("span", { class: `gm-dot gm-back${[4, 6][q]}` }), text)));
  const where = el("div", { class: "gm-where" }), near = el("div", { class: "gm-near" });
  const spoken = speaker();

  function plot() {
    const zero = [game.real[0](0) + game.made[0](0), game.generator[0](0)];
    const all = [...losses.flat(), ...zero], low = Math.min(...all), high = Math.max(...all);
    const y = (v) => (HEIGHT - 14 - ((HEIGHT - 28) * (v - low)) / (high - low || 1)).toFixed(1);
    const x = (i) => (8 + (i * (WIDTH - 62)) / Math.max(30, losses.length - 1)).toFixed(1);
    levels.replaceChildren(...zero.map((v) =>
      svg("path", { class: "gm-level", d: `M8 ${y(v)}H${WIDTH - 52}` })));
    ticks.replaceChildren(...zero.map((v, q) => svg("text", { x: WIDTH - 46, y: Number(y(v)) + 4 },
      q && zero[0] === v ? "" : game.even[q])));
    curves.replaceChildren(...[4, 6].map((color, q) => svg("path", {
      class: `gm-curve gm-thin gm-stroke${color}`,
      d: losses.length ? "M" + losses.map((pair, i) => `${x(i)} ${y(pair[q])}`).join("L") : "" })));
  }

  function draw() {
    const samples = generator.net.forward(shown), own = set === drawn;
    pen.clearRect(0, 0, SIZE, SIZE);
    opinion();
    dots(set.points, 3.2, BLUE);
    dots(samples, 5, ORANGE, "#5a1e0040");
    if (pressed(pull)) arrows(samples);
    plot();
    hint.hidden = !own || set.points.length > 0;
    const told = [`step ${count.toLocaleString("en-US")}`];
    const found = set.modes && modes(samples);
    if (found) told.push(`${found.covered} of ${found.of} modes`);
    where.textContent = told.join("\u2003");
    const also = [];
    if (right !== null) {
      also.push(game.clip
        ? `critic: real \u2212 made ${number(-last.losses[0], 3)}`
        : `critic right: ${Math.round(100 * right)} %`);
    }
    if (found) also.push(`near a mode: ${Math.round(100 * found.near)} %`);
    near.textContent = also.join(", ") || "\u00a0";
    const words = [...told, ...also].join(", ");
    canvas.setAttribute("aria-label", `${data.label}: ${words}`);
    spoken.say(words);
  }

  // ---- the reader ------------------------------------------------------------

  // As many updates as fit into half of the time, at most 360 a second.
  let alone = data.wander;
  const run = motion(root, "Train", data.wander, function (seconds) {
    const until = performance.now() + Math.min(100, 500 * seconds);
    for (let i = 0; i < 360 * seconds && performance.now() < until; i++) {
      if (!update()) break;
    }
    draw();
    if (alone && count >= 5000) run.stop();
  });
  function touched(act) {
    return function (...given) {
      alone = false;
      act(...given);
    };
  }
  run.button.addEventListener("click", () => { alone = false; }, true);

  const pressed = (button) => button.getAttribute("aria-pressed") === "true";
  function toggle(name, act) {
    const button = el("button", { type: "button", "aria-pressed": "false" }, name);
    button.addEventListener("click", touched(function () {
      button.setAttribute("aria-pressed", String(!pressed(button)));
      act(pressed(button));
    }));
    return button;
  }
  const pull = toggle("Arrows", () => draw());

  // Provoked: the generator runs away from a critic that hardly moves.
  const COLLAPSE = [0.0002, 0.01].map((rate) => data.choice.indexOf(rate));
  let before = null;
  const collapse = toggle("Provoke collapse", function (on) {
    if (on) {
      before = [rates, turns];
      settle(COLLAPSE, 1);
      start(seed);
      run.start();
    } else settle(...before);
  });
  function settle(to, k) {
    rates = to.slice();
    turns = k;
    sliders.forEach((one, q) => one.show(q < 2 ? rates[q] : turns));
  }

  const sliders = ["critic's rate", "generator's rate"].map((name, q) =>
    slider({ min: 0, max: data.choice.length - 1, value: rates[q] },
      (i) => `${name} ${data.choice[i]}`, touched((i) => { rates[q] = i; })));
  sliders.push(slider({ min: 1, max: 5, value: turns },
    (i) => `critic's steps ${i}`, touched((i) => { turns = i; })));

  const choices = [
    choice("data", sets.map((one) => one.name), 0, touched(function (k) {
      set = sets[k];
      plane.classList.toggle("gm-drawing", set === drawn);
      clear.hidden = set !== drawn;
      start(seed);
    })),
    choice("game", games.map((one) => one.name), data.game, touched(function (k) {
      game = games[k];
      start(seed);
    })),
  ];

  // The reader's own data: five points, a little spread, for each tenth of the way.
  const spray = normal(random(9)), spot = [0, 0];
  const MOST = 3000; // then the oldest go
  function add(points) {
    const all = [...drawn.points, ...points];
    drawn.points = Float32Array.from(all.slice(-2 * MOST));
    draw();
  }
  function dab(x, y) {
    const held = (v) => Math.min(extent, Math.max(-extent, v));
    spot[0] = held(x);
    spot[1] = held(y);
    handle.style.left = `${(100 * across(spot[0])) / SIZE}%`;
    handle.style.top = `${(100 * down(spot[1])) / SIZE}%`;
    handle.setAttribute("aria-label", `Pen at ${number(spot[0])}, ${number(spot[1])}`);
  }
  function stroke(x, y) { // from where the pen is to there
    const [x0, y0] = spot, far = Math.hypot(x - x0, y - y0), n = Math.max(1, Math.round(far / 0.1));
    dab(x, y);
    const points = [];
    for (let k = 1; k <= n; k++) {
      for (let i = 0; i < 5; i++) {
        points.push(x0 + ((spot[0] - x0) * k) / n + 0.1 * spray(),
          y0 + ((spot[1] - y0) * k) / n + 0.1 * spray());
      }
    }
    add(points);
  }
  let drawing = null;
  function place(event) {
    const box = plane.getBoundingClientRect();
    return [extent * ((2 * (event.clientX - box.left)) / box.width - 1),
      extent * (1 - (2 * (event.clientY - box.top)) / box.height)];
  }
  plane.addEventListener("pointerdown", function (event) {
    if (set !== drawn || event.button !== 0) return;
    alone = false;
    drawing = event.pointerId;
    plane.setPointerCapture(drawing);
    handle.focus({ preventScroll: true });
    event.preventDefault();
    dab(...place(event));
    stroke(...spot);
  });
  plane.addEventListener("pointermove", function (event) {
    if (event.pointerId === drawing) stroke(...place(event));
  });
  plane.addEventListener("lostpointercapture", () => { drawing = null; });
  keys(handle, () => { alone = false; }, function (right, up, large) {
    const by = large ? 0.5 : 0.1;
    if (right === null) dab(0, 0);
    else stroke(spot[0] + by * right, spot[1] + by * up);
  });
  const clear = el("button", { type: "button" }, "Clear");
  clear.hidden = true;
  clear.addEventListener("click", touched(function () {
    drawn.points = new Float32Array(0);
    draw();
  }));

  dab(0, 0);
  start(0);
  return [
    el("div", { class: "gm-body" },
      el("div", { class: "gm-row" },
        el("div", { class: "gm-left" }, plane, legend),
        el("div", { class: "gm-side gm-below" }, where, near,
          buttons(run.button,
            ["Step", touched(() => { run.stop(); update(); draw(); })],
            ["New start", touched(() => start(seed + 1))]),
          buttons(collapse, pull, clear),
          el("div", { class: "gm-panel gm-losses" }, names, chart),
          el("div", { class: "gm-controls" }, ...choices.map((one) => one.node),
            ...sliders.map((one) => one.node)), spoken.node)),
      el("div", { class: "gm-help" },
        "Ground: blue where the critic says real, orange where it says made. Dashed: the "
        + "losses of a critic that cannot tell. A mode counts with a quarter of its share of "
        + "the samples within three standard deviations, which is what near means. A collapse "
        + "is provoked by a slow critic and a fast generator. To draw: mouse or finger, or the "
        + "arrow keys on the pen (Shift: larger steps; Home: to the center).")),
    { update, start, draw(points) { add(points); },
      get: () => ({ count, weights: players.map(({ net }) => Array.from(net.weights)),
        gradients: players.map(({ net }) => Array.from(net.gradients)), ...last,
        ...(set.modes ? modes(generator.net.forward(shown)) : {}),
        samples: Array.from(generator.net.forward(shown)), points: Array.from(set.points) }) },
  ];
};
