// A coin for each pixel in training, for coins.py.  Left: the probabilities, and draws.
// Right: the loss over the steps, above the floor that the pictures set.
GM.figures.coins = function (data, root) {
  const { el, svg, number, random, paint, speaker, slider, buttons, motion } = GM.tools;
  const [height, width] = data.shape, d = height * width;
  const bytes = GM.bytes(data.means);
  const sets = data.names.map((_, k) =>
    Float64Array.from(bytes.subarray(k * d, (k + 1) * d), (level) => level / 255));
  const xlogx = (v) => (v > 0 ? v * Math.log(v) : 0);
  const floors = sets.map((m) =>
    -m.reduce((sum, v) => sum + xlogx(v) + xlogx(1 - v), 0));

  let set = 0, power = data.power, logits, p, runs = [];

  // softplus(l) - m l: -log p(x) at the mean picture.
  function loss() {
    let sum = 0;
    for (let i = 0; i < d; i++) {
      const l = logits[i];
      sum += Math.max(l, 0) + Math.log1p(Math.exp(-Math.abs(l))) - sets[set][i] * l;
    }
    return sum;
  }
  function record(run) {
    p = logits.map((l) => 1 / (1 + Math.exp(-l)));
    run.push(loss());
    draw();
  }
  function anew() {
    logits = new Float64Array(d);
    const run = [];
    run.rate = 2 ** power;
    runs.push(run);
    if (runs.length > 4) runs.shift();
    record(run);
  }
  function step() { // down the gradient of the loss, p - m
    const rate = 2 ** power;
    for (let i = 0; i < d; i++) logits[i] -= rate * (p[i] - sets[set][i]);
    record(runs[runs.length - 1]);
  }

  // The probabilities and eight draws: pixel i is lit where its uniform number is below
  // p_i, the same numbers at every step.
  const COLUMNS = 4, ROWS = 2, uniform = random(3);
  const noise = Float32Array.from({ length: COLUMNS * ROWS * d }, uniform);
  const canvas = el("canvas", { width, height, role: "img" });
  const sheet = el("canvas", { width: COLUMNS * width, height: ROWS * height, role: "img",
    "aria-label": "Eight draws of the model" });
  function drawn() {
    const pixels = new Float32Array(noise.length), wide = COLUMNS * width;
    for (let q = 0; q < COLUMNS * ROWS; q++) {
      const corner = Math.floor(q / COLUMNS) * height * wide + (q % COLUMNS) * width;
      for (let i = 0; i < d; i++) {
        pixels[corner + Math.floor(i / width) * wide + (i % width)] = noise[q * d + i] < p[i];
      }
    }
    return pixels;
  }

  // The loss over the steps, on a logarithmic scale above the floor.
  const CHART = [400, 290], EDGE = 44;
  const curves = svg("g"), ticks = svg("g", { class: "gm-ticks" });
  const grid = svg("g", { class: "gm-grid" });
  const chart = svg("svg", { viewBox: `0 0 ${CHART[0]} ${CHART[1]}`, "aria-hidden": "true" },
    grid, curves, ticks);
  const where = el("div", { class: "gm-where" }), near = el("div", { class: "gm-near" });
  const spoken = speaker();

  function draw() {
    paint(canvas, p, 1);
    paint(sheet, drawn(), 1);
    canvas.setAttribute("aria-label", `Probability of ink, trained on: ${data.names[set]}`);
    const floor = floors[set], now = runs[runs.length - 1];
    const high = Math.max(4, ...runs.flat().map((v) => Math.log10(Math.max(v - floor, 1e-9))));
    const steps = Math.max(40, ...runs.map((run) => run.length - 1));
    const right = (i) => EDGE + ((CHART[0] - EDGE - 8) * i) / steps;
    const down = (v) => 12 + ((CHART[1] - 40) * (high - Math.log10(Math.max(v, 0.1)))) / (high + 1);
    grid.replaceChildren();
    ticks.replaceChildren(svg("text", { x: CHART[0] - 8, y: CHART[1] - 8, "text-anchor": "end",
      class: "gm-name" }, "step"));
    for (const v of [0.1, 1, 10, 100, 1000, 10000].filter((v) => Math.log10(v) <= high)) {
      grid.append(svg("path", { d: `M${EDGE} ${down(v)}H${CHART[0] - 8}` }));
      ticks.append(svg("text", { x: EDGE - 6, y: down(v) + 4, "text-anchor": "end" }, String(v)));
    }
    for (const share of [0, 0.25, 0.5, 0.75]) {
      const i = Math.round(share * steps);
      ticks.append(svg("text", { x: right(i), y: CHART[1] - 8, "text-anchor": "middle" }, String(i)));
    }
    curves.replaceChildren(...runs.map((run, q) => svg("path", {
      class: `gm-curve gm-stroke0${q < runs.length - 1 ? " gm-past" : ""}`,
      d: "M" + run.map((v, i) => `${right(i).toFixed(1)} ${down(v - floor).toFixed(1)}`).join("L") })));
    const count = now.length - 1, value = now[count];
    where.textContent = `${number(value)} nats, floor ${number(floor)}`;
    near.textContent = `after ${count} step${count === 1 ? "" : "s"}; curve: nats above the floor`;
    spoken.say(`${where.textContent} after ${count} steps`);
  }

  // By itself: eight steps a second; untouched, it goes on to the next set after 60.
  let since = 0, alone = data.wander;
  const run = motion(root, "Train", data.wander, function (seconds) {
    since += seconds;
    if (since < 0.12) return;
    since = 0;
    if (alone && runs[runs.length - 1].length > 60) choose((set + 1) % sets.length);
    else step();
  });
  function choose(k) {
    if (!(k in sets)) throw new RangeError(`expected 0 to ${sets.length - 1}, given ${k}`);
    set = k;
    [...legend.children].forEach((button, j) => button.setAttribute("aria-pressed", String(j === k)));
    runs = []; // another set has another floor
    anew();
  }
  function touched(act) {
    return function () {
      alone = false;
      run.stop();
      act();
    };
  }
  run.button.addEventListener("click", () => { alone = false; }, true);
  const legend = el("div", { class: "gm-legend", role: "group", "aria-label": "Trained on" },
    ...data.names.map(function (name, k) {
      const button = el("button", { type: "button", "aria-pressed": "false" }, name);
      button.addEventListener("click", function () {
        alone = false;
        choose(k);
      });
      return button;
    }));
  const rate = slider({ min: -2, max: 6, value: power },
    (i) => `learning rate ${i < 0 ? `1/${2 ** -i}` : 2 ** i}`,
    (i) => { alone = false; power = i; });

  choose(0);
  return [
    el("div", { class: "gm-body" },
      el("div", { class: "gm-row" },
        el("div", { class: "gm-side gm-stack" }, canvas, sheet, legend),
        el("div", { class: "gm-left" }, el("div", { class: "gm-panel" }, chart), where, near,
          buttons(run.button, ["Step", touched(step)], ["Begin anew", touched(anew)]),
          rate.node, spoken.node)),
      el("div", { class: "gm-help" },
        "Large: each coin's probability. Small: eight draws, a toss of every coin each. "
        + "The buttons choose the pictures to train on. Pale: the runs before.")),
    { step, choose, anew,
      rate(value) { rate.show(power = Math.log2(value)); },
      get: () => ({ loss: runs[runs.length - 1].at(-1), floor: floors[set],
        logits: Array.from(logits), draws: Array.from(drawn()) }) },
  ];
};
