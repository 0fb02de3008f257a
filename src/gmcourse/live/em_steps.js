// EM step by step, for em_steps.py.  Left: points in the mixed colors of the components
// that answer for them, and the components' ellipses.  Right: the log-likelihood.
GM.figures.em_steps = function (data, root) {
  const { el, svg, number, random, speaker, slider, buttons, motion, colors } = GM.tools;
  const xy = GM.half(GM.bytes(data.points)), n = xy.length / 2;
  const { extent, floor } = data;
  const SIZE = 400, CHART = [400, 240], LOG_2PI = Math.log(2 * Math.PI);
  const across = (v) => ((v + extent) / (2 * extent)) * SIZE;
  const down = (v) => SIZE - across(v);

  const uniform = random(7);
  let k = data.k, parts = [], r = null, count = 0, value = 0, runs = [];

  function maximize() { // the M-step: shares, means and covariances by responsibility
    parts = Array.from({ length: k }, function (_, j) {
      let w = 0, mx = 0, my = 0, xx = 0, xy_ = 0, yy = 0;
      for (let i = 0; i < n; i++) {
        const a = r[i * k + j];
        w += a; mx += a * xy[2 * i]; my += a * xy[2 * i + 1];
      }
      mx /= w; my /= w;
      for (let i = 0; i < n; i++) {
        const a = r[i * k + j], x = xy[2 * i] - mx, y = xy[2 * i + 1] - my;
        xx += a * x * x; xy_ += a * x * y; yy += a * y * y;
      }
      const more = floor * floor;
      return { weight: w / n, mean: [mx, my], cov: [xx / w + more, xy_ / w, yy / w + more] };
    });
  }

  function expect() { // the E-step: responsibilities; returns the mean log-likelihood
    let total = 0;
    const each = parts.map(function ({ weight, cov: [a, b, c] }) {
      const det = a * c - b * b;
      return { log: Math.log(weight) - LOG_2PI - 0.5 * Math.log(det), det };
    });
    for (let i = 0; i < n; i++) {
      let most = -Infinity;
      for (let j = 0; j < k; j++) {
        const { mean, cov: [a, b, c] } = parts[j], { log, det } = each[j];
        const x = xy[2 * i] - mean[0], y = xy[2 * i + 1] - mean[1];
        const value = log - (0.5 * (c * x * x - 2 * b * x * y + a * y * y)) / det;
        r[i * k + j] = value;
        most = Math.max(most, value);
      }
      let sum = 0;
      for (let j = 0; j < k; j++) sum += r[i * k + j] = Math.exp(r[i * k + j] - most);
      for (let j = 0; j < k; j++) r[i * k + j] /= sum;
      total += most + Math.log(sum);
    }
    return total / n;
  }

  function start(seeds) { // every point to the seed that is nearest, as by k-means
    k = seeds.length;
    r = new Float64Array(n * k);
    for (let i = 0; i < n; i++) {
      const far = seeds.map((s) =>
        (xy[2 * s] - xy[2 * i]) ** 2 + (xy[2 * s + 1] - xy[2 * i + 1]) ** 2);
      r[i * k + far.indexOf(Math.min(...far))] = 1;
    }
    maximize();
    value = expect();
    count = 0;
    runs.push([value]);
    if (runs.length > 6) runs.shift();
    draw();
  }

  function anew() { // seeds: different points, drawn at random
    const places = new Map();
    while (places.size < k) {
      const i = Math.floor(uniform() * n);
      places.set(`${xy[2 * i]} ${xy[2 * i + 1]}`, i);
    }
    start([...places.values()]);
  }

  function step() { // true when it has arrived
    maximize();
    const before = value;
    value = expect();
    count += 1;
    runs[runs.length - 1].push(value);
    draw();
    return Math.abs(value - before) < 1e-6 || count >= 300;
  }

  // The plane.
  const rgb = colors.map((c) => [1, 3, 5].map((at) => parseInt(c.slice(at, at + 2), 16)));
  const dots = svg("g");
  for (let i = 0; i < n; i++) {
    dots.append(svg("circle", { r: 2.6,
      cx: across(xy[2 * i]).toFixed(1), cy: down(xy[2 * i + 1]).toFixed(1) }));
  }
  const ellipses = svg("g", { class: "gm-ellipses" });
  const plane = el("div", { class: "gm-plane gm-untouched" },
    svg("svg", { viewBox: `0 0 ${SIZE} ${SIZE}`, "aria-hidden": "true" }, dots, ellipses));

  // The log-likelihood, of this start and, paler, of those before it.
  const curves = svg("g"), least = svg("text", {}), most = svg("text", {});
  const chart = svg("svg", { viewBox: `0 0 ${CHART[0]} ${CHART[1]}`, "aria-hidden": "true" },
    curves, svg("g", { class: "gm-ticks" }, least, most));
  const where = el("div", { class: "gm-where" }), near = el("div", { class: "gm-near" });
  const spoken = speaker();

  function draw() {
    for (let i = 0; i < n; i++) {
      const mixed = [0, 1, 2].map(function (channel) {
        let sum = 0;
        for (let j = 0; j < k; j++) sum += r[i * k + j] * rgb[j % rgb.length][channel];
        return Math.round(sum);
      });
      dots.children[i].setAttribute("fill", `rgb(${mixed})`);
    }
    ellipses.replaceChildren(...parts.map(function ({ weight, mean, cov: [a, b, c] }, j) {
      const middle = (a + c) / 2, apart = Math.hypot((a - c) / 2, b);
      const long = 2 * Math.sqrt(middle + apart), short = 2 * Math.sqrt(Math.max(0, middle - apart));
      const angle = (-0.5 * Math.atan2(2 * b, a - c) * 180) / Math.PI; // down is down
      const scale = SIZE / (2 * extent);
      return svg("ellipse", { rx: (long * scale).toFixed(1), ry: (short * scale).toFixed(1),
        class: `gm-stroke${j % rgb.length}`, "stroke-width": (1 + 6 * weight).toFixed(2),
        transform: `translate(${across(mean[0]).toFixed(1)} ${down(mean[1]).toFixed(1)}) rotate(${angle.toFixed(1)})` });
    }));
    const all = runs.flat(), low = Math.min(...all), high = Math.max(...all);
    const steps = Math.max(20, ...runs.map((run) => run.length));
    const at = (v, i) => `${((10 + (i * 380) / steps)).toFixed(1)} `
      + (220 - (200 * (v - low)) / (high - low || 1)).toFixed(1);
    curves.replaceChildren(...runs.map((run, q) => svg("path", {
      class: `gm-curve gm-stroke0${q < runs.length - 1 ? " gm-past" : ""}`,
      d: "M" + run.map(at).join("L") })));
    [[most, high, 16], [least, low, 236]].forEach(([text, v, y]) => {
      text.setAttribute("x", 8);
      text.setAttribute("y", y);
      text.textContent = `${number(v, 3)} nats`;
    });
    where.textContent = `${number(value, 3)} nats a point`;
    near.textContent = `after ${count} step${count === 1 ? "" : "s"} of EM`;
    spoken.say(`${where.textContent}, ${near.textContent}`);
  }

  // By itself: three steps a second, and, before anybody has touched it, a new start
  // two seconds after it has arrived.
  let since = 0, arrived = false, alone = data.wander;
  const run = motion(root, "Run", data.wander, function (seconds) {
    since += seconds;
    if (arrived) {
      if (!alone) return run.stop();
      if (since > 2) { since = 0; arrived = false; anew(); }
    } else if (since > 0.33) {
      since = 0;
      arrived = step();
    }
  });
  function touched(act) {
    return function () {
      alone = arrived = false;
      run.stop();
      act();
    };
  }
  run.button.addEventListener("click", () => { alone = arrived = false; }, true);
  const many = slider({ min: 1, max: data.most, value: k },
    (i) => `${i} component${i === 1 ? "" : "s"}`,
    (i) => touched(function () {
      k = i;
      runs = []; // another number of components is another model
      anew();
    })());

  anew();
  return [
    el("div", { class: "gm-body" },
      el("div", { class: "gm-row" },
        el("div", { class: "gm-left" }, plane),
        el("div", { class: "gm-side" }, el("div", { class: "gm-panel" }, chart), where, near,
          buttons(run.button, ["Step", touched(step)], ["New start", touched(anew)]),
          many.node, spoken.node)),
      el("div", { class: "gm-help" },
        "A point has the mixed colors of the components that answer for it; ellipses lie two "
        + "standard deviations out. The curve: the mean log-likelihood over the steps; "
        + "pale: of the starts before.")),
    { start, step,
      get: () => ({ weights: parts.map((c) => c.weight), means: parts.map((c) => c.mean),
        covs: parts.map((c) => c.cov), value, responsibilities: Array.from(r) }) },
  ];
};
