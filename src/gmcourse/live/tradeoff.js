// Rate against distortion, for tradeoff.py.  Left: the models' points, and for the chosen
// one the line on which D + beta R is the same.  Right: pictures as it rebuilds them.
GM.figures.tradeoff = function (data, root) {
  const { el, svg, speaker, slider, buttons, motion } = GM.tools;
  const { betas, rates, distortions, values } = data;
  const WIDTH = 400, HEIGHT = 300, EDGE = 34;
  const most = { x: 1.08 * Math.max(...rates), y: Math.max(...distortions) };
  const least = Math.min(...distortions), low = least - 0.08 * (most.y - least);
  const high = most.y + 0.12 * (most.y - least);
  const across = (rate) => EDGE + ((WIDTH - EDGE - 8) * rate) / most.x;
  const down = (d) => 8 + ((HEIGHT - EDGE - 8) * (high - d)) / (high - low);

  const ticks = svg("g", { class: "gm-ticks" }), grid = svg("g", { class: "gm-grid" });
  const marks = (from, to) => {
    const rough = (to - from) / 5, size = 10 ** Math.floor(Math.log10(rough));
    const step = size * [1, 2, 5, 10].find((s) => s * size >= rough);
    const found = [];
    for (let v = Math.ceil(from / step) * step; v <= to; v += step) found.push(+v.toFixed(6));
    return found;
  };
  for (const v of marks(0, most.x)) {
    grid.append(svg("path", { d: `M${across(v)} 8V${HEIGHT - EDGE}` }));
    ticks.append(svg("text", { x: across(v), y: HEIGHT - EDGE + 14, "text-anchor": "middle" }, String(v)));
  }
  for (const v of marks(low, high)) {
    grid.append(svg("path", { d: `M${EDGE} ${down(v)}H${WIDTH - 8}` }));
    ticks.append(svg("text", { x: EDGE - 5, y: down(v) + 4, "text-anchor": "end" }, String(v)));
  }
  ticks.append(
    svg("text", { x: WIDTH - 10, y: HEIGHT - 6, "text-anchor": "end", class: "gm-name" }, "rate R, nats"),
    svg("text", { x: EDGE + 5, y: 22, class: "gm-name" }, "distortion D, nats"));
  const frame = svg("svg", { x: EDGE, y: 8, width: WIDTH - EDGE - 8, height: HEIGHT - EDGE - 8,
    viewBox: `${EDGE} 8 ${WIDTH - EDGE - 8} ${HEIGHT - EDGE - 8}` });
  const line = svg("path", { class: "gm-curve gm-stroke6" });
  const path = svg("path", { class: "gm-curve gm-stroke0",
    d: "M" + rates.map((r, i) => `${across(r)} ${down(distortions[i])}`).join("L") });
  const dots = svg("g", {}, ...rates.map((r, i) =>
    svg("circle", { cx: across(r), cy: down(distortions[i]), r: 5, class: "gm-fill0" })));
  const chosen = svg("circle", { r: 8, class: "gm-curve gm-stroke6" });
  frame.append(line, path);
  const plane = el("div", { class: "gm-plane gm-wide gm-untouched" },
    svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, "aria-hidden": "true" },
      grid, ticks, frame, dots, chosen));

  // The pictures: one sheet for each model, and the originals above.
  const originals = el("img", { class: "gm-sheet", alt: data.above, src: data.originals });
  const sheet = el("img", { class: "gm-sheet" });
  const where = el("div", { class: "gm-where" }), near = el("div", { class: "gm-near" });
  const spoken = speaker();
  const weight = slider({ min: 0, max: betas.length - 1, value: data.start },
    (i) => `\u03b2 = ${betas[i]}`, (i) => { run.stop(); set(i); });

  let at = 0;
  function set(i) {
    if (!(Number.isInteger(i) && i >= 0 && i < betas.length)) {
      throw new RangeError(`expected 0 to ${betas.length - 1}, given ${i}`);
    }
    at = i;
    const beta = betas[i], r = rates[i], d = distortions[i];
    weight.show(i);
    line.setAttribute("d", // D + beta R as at the point
      `M${across(0)} ${down(d + beta * r)}L${across(most.x)} ${down(d + beta * (r - most.x))}`);
    chosen.setAttribute("cx", across(r));
    chosen.setAttribute("cy", down(d));
    sheet.src = data.sheets[i];
    sheet.alt = `${data.below}, beta ${beta}`;
    where.textContent = `R = ${r.toFixed(2)}\u2003D = ${d.toFixed(2)}`;
    near.textContent = `D + R = ${values[i].toFixed(2)} nats, D + \u03b2R = ${(d + beta * r).toFixed(2)}`;
    spoken.say(`beta ${beta}, rate ${r.toFixed(2)}, distortion ${d.toFixed(2)}`);
    return i;
  }

  let since = 0, way = 1;
  const run = motion(root, "Run", data.wander, function (seconds) {
    since += seconds;
    if (since < 1.5 || betas.length < 2) return;
    since = 0;
    if (at + way < 0 || at + way >= betas.length) way = -way;
    set(at + way);
  });

  set(data.start);
  return [
    el("div", { class: "gm-body" },
      el("div", { class: "gm-row" },
        el("div", { class: "gm-left" }, plane),
        el("div", { class: "gm-side" }, originals, sheet, where, near, weight.node,
          buttons(run.button), spoken.node)),
      el("div", { class: "gm-help" }, data.help)),
    { set, get: () => at },
  ];
};
