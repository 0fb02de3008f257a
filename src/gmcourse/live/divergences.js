// A Gaussian over a mixture, for divergences.py.  Left: both densities, and a handle on
// the Gaussian's peak.  Right: what each divergence adds up, and a way downhill.
GM.figures.divergences = function (data, root) {
  const { el, svg, number, speaker, grip, drag, keys, motion } = GM.tools;
  const { weights, means, stds, extent, narrowest, widest } = data;
  const TAU = 2 * Math.PI, WIDTH = 400, HEIGHT = 300, SMALL = 120;
  const log_normal = (x, m, s) => -0.5 * ((x - m) / s) ** 2 - Math.log(s) - 0.5 * Math.log(TAU);

  function log_p(x) {
    const terms = weights.map((w, k) => Math.log(w) + log_normal(x, means[k], stds[k]));
    const most = Math.max(...terms);
    return most + Math.log(terms.reduce((sum, t) => sum + Math.exp(t - most), 0));
  }

  // The integrals: sums over a grid that reaches beyond the page to both sides.
  const N = 3001, reach = extent + 8 * widest, dx = (2 * reach) / (N - 1);
  const xs = Array.from({ length: N }, (_, i) => -reach + i * dx), log_ps = xs.map(log_p);
  const peak = (s) => 1 / (s * Math.sqrt(TAU));
  const top = 1.06 * Math.max(peak(narrowest), Math.exp(Math.max(...log_ps)));

  const KINDS = [
    { name: "KL(p \u2016 q)", term: (p, q) => Math.exp(p) * (p - q) },
    { name: "KL(q \u2016 p)", term: (p, q) => Math.exp(q) * (q - p) },
  ];
  const divergence = (kind, m, s) =>
    dx * xs.reduce((sum, x, i) => sum + kind.term(log_ps[i], log_normal(x, m, s)), 0);

  // The densities.
  const across = (x) => ((x + extent) / (2 * extent)) * WIDTH;
  const seen = xs.map((x, i) => i).filter((i) => Math.abs(xs[i]) <= extent);
  const line = (height) =>
    "M" + seen.map((i) => `${across(xs[i]).toFixed(1)} ${height(i).toFixed(1)}`).join("L");
  const down = (density) => HEIGHT * (1 - density / top);
  const grid = svg("g", { class: "gm-grid" }), ticks = svg("g", { class: "gm-ticks" });
  for (let v = Math.ceil(1 - extent); v < extent; v++) {
    grid.append(svg("path", {
      d: `M${across(v).toFixed(1)} 0V${HEIGHT}`, class: v === 0 ? "gm-axis" : "" }));
    ticks.append(svg("text", { x: across(v), y: HEIGHT - 6, "text-anchor": "middle" },
      number(v, 0)));
  }
  const p_area = svg("path", { class: "gm-area gm-fill0",
    d: `${line((i) => down(Math.exp(log_ps[i])))}V${HEIGHT}H0Z` });
  const q_line = svg("path", { class: "gm-curve gm-stroke6" });
  const handle = grip();
  const plane = el("div", { class: "gm-plane gm-wide" },
    svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, "aria-hidden": "true" },
      grid, p_area, q_line, ticks), handle);
  const where = el("div", { class: "gm-where" });
  const spoken = speaker();

  let mean = 0, std = 1;
  function set(m, s) {
    if (!Number.isFinite(m) || !(s > 0)) {
      throw new RangeError(`expected a mean and a positive deviation, given ${m} and ${s}`);
    }
    mean = Math.min(extent, Math.max(-extent, m));
    std = Math.min(widest, Math.max(narrowest, s));
    q_line.setAttribute("d", line((i) => down(Math.exp(log_normal(xs[i], mean, std)))));
    handle.style.left = `${(across(mean) / WIDTH) * 100}%`;
    handle.style.top = `${(down(peak(std)) / HEIGHT) * 100}%`;
    const found = KINDS.map(function (kind, k) {
      const value = divergence(kind, mean, std), panel = panels[k];
      const terms = seen.map((i) => kind.term(log_ps[i], log_normal(xs[i], mean, std)));
      const half = Math.max(0.4, ...terms.map(Math.abs));
      let d = `M0 ${SMALL / 2}`;
      terms.forEach((t, j) => {
        d += `L${across(xs[seen[j]]).toFixed(1)} ${(SMALL / 2) * (1 - t / half)}`;
      });
      panel.area.setAttribute("d", `${d}V${SMALL / 2}Z`);
      panel.value.textContent = `${kind.name} = ${value.toFixed(3)} nats`;
      return value;
    });
    where.textContent = `q: mean ${number(mean)}, standard deviation ${number(std)}`;
    const words = `mean ${number(mean)}, standard deviation ${number(std)}, ` +
      KINDS.map((kind, k) => `${kind.name} ${found[k].toFixed(3)} nats`).join(", ");
    handle.setAttribute("aria-label", `${data.label}: ${words}`);
    spoken.say(words);
    return [mean, std];
  }

  // Downhill: along the natural gradient, by differences; true when it has arrived.
  function downhill(kind, rate) {
    const h = 1e-4, f = (m, l) => divergence(kind, m, Math.exp(l)), l = Math.log(std);
    const dm = rate * std ** 2 * (f(mean + h, l) - f(mean - h, l)) / (2 * h);
    const dl = rate * 0.5 * (f(mean, l + h) - f(mean, l - h)) / (2 * h);
    const bound = (v) => Math.min(0.3, Math.max(-0.3, v));
    const before = [mean, std];
    set(mean - bound(dm), Math.exp(l - bound(dl)));
    return Math.hypot(mean - before[0], std - before[1]) < 1e-6 * rate;
  }

  const panels = KINDS.map(function (kind, k) {
    const way = motion(root, "Downhill", data.wander && k === 1, (seconds) => {
      if (downhill(kind, Math.min(1, 2.5 * seconds))) stop();
    });
    way.button.setAttribute("aria-label", `Downhill in ${kind.name}`);
    const area = svg("path", { class: `gm-area gm-fill${k ? 6 : 0}` });
    const value = el("span", { class: "gm-value" });
    const box = el("div", { class: "gm-panel" },
      el("div", { class: "gm-head" }, value, way.button),
      svg("svg", { viewBox: `0 0 ${WIDTH} ${SMALL}`, "aria-hidden": "true" },
        svg("g", { class: "gm-grid" }, svg("path", {
          class: "gm-axis", d: `M0 ${SMALL / 2}H${WIDTH}` })), area));
    way.button.addEventListener("click", () => panels[1 - k].way.stop(), true);
    return { way, area, value, box };
  });
  function stop() {
    for (const panel of panels) panel.way.stop();
  }

  drag(plane, handle, stop, (x, y) =>
    set((2 * x - 1) * extent, 1 / (Math.max(1e-9, (1 - y) * top) * Math.sqrt(TAU))));
  keys(handle, stop, function (right, up, large) {
    const by = large ? 0.5 : 0.05;
    if (right === null) set(...data.start);
    else set(Math.round((mean + right * by) * 1e4) / 1e4, std * Math.exp(-up * by));
  });

  set(...data.start);
  return [
    el("div", { class: "gm-body" },
      el("div", { class: "gm-row" },
        el("div", { class: "gm-left" }, plane, where),
        el("div", { class: "gm-side" }, ...panels.map((panel) => panel.box), spoken.node)),
      el("div", { class: "gm-help" },
        "Blue: the mixture p. Orange: the Gaussian q; drag its peak, or use the arrow keys "
        + "(up: narrower; Shift: larger steps; Home: back). To the right what each divergence "
        + "adds up over the line.")),
    { set, get: () => [mean, std],
      divergences: () => KINDS.map((kind) => divergence(kind, mean, std)),
      downhill(k) {
        for (let i = 0; i < 3000 && !downhill(KINDS[k], 0.5); i++);
        return [mean, std];
      } },
  ];
};
