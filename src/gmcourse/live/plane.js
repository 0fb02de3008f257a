// The plane that points move on: what figures of it include beside runtime.js.  Points are
// one array of numbers, x1, x2, x1, x2, ..., and [-extent, extent]^2 is shown.
GM.plane = function (extent) {
  "use strict";
  const { el, svg, number, grip, keys } = GM.tools;
  const SIZE = 400; // in units of the viewBox
  const across = (v) => ((v + extent) / (2 * extent)) * SIZE, fixed = (v) => v.toFixed(1);
  const down = (v) => SIZE - across(v);
  const held = (v) => Math.min(extent, Math.max(-extent, v)); // on the plane
  const unit = (x, y) => [(2 * x - 1) * extent, (1 - 2 * y) * extent]; // from parts of the area
  const whole = Array.from({ length: 2 * Math.ceil(extent) - 1 }, (_, i) => i + 1 - Math.ceil(extent));
  const even = whole.filter((v) => v % (extent > 6 ? 4 : 2) === 0);

  // An area with a handle, and rings at 1, 2 and 3 standard deviations of the normal
  // between the drawings that lie under and over them.
  function area(under, over) {
    const rings = svg("g", { class: "gm-grid" }, ...[1, 2, 3].map((r) => svg("circle", {
      class: "gm-ring", cx: SIZE / 2, cy: SIZE / 2, r: fixed((r / extent) * SIZE / 2) })));
    const ticks = svg("g", { class: "gm-ticks" }, ...even.flatMap((v) => [
      svg("text", { x: fixed(across(v)), y: SIZE - 6, "text-anchor": "middle" }, number(v, 0)),
      svg("text", { x: 6, y: fixed(down(v) + 4) }, number(v, 0))]));
    const handle = grip();
    const node = el("div", { class: "gm-plane" },
      svg("svg", { viewBox: `0 0 ${SIZE} ${SIZE}`, "aria-hidden": "true" },
        ...under, rings, ...over, ticks), handle);
    function place(x, y) { // the handle stays on the plane
      handle.style.left = `${(100 * across(held(x))) / SIZE}%`;
      handle.style.top = `${(100 * down(held(y))) / SIZE}%`;
    }
    return { node, handle, rings, place };
  }
  const dots = (color, opacity = 0.6) => svg("path", { class: `gm-curve gm-stroke${color}`,
    style: `stroke-width:3.4;stroke-linecap:round;opacity:${opacity}` });

  // What paths have for "d": a line through points, and a dot for each of them.
  function line(points, from = 0, to = points.length / 2) {
    let d = "";
    for (let i = from; i < to; i++) {
      d += `${i === from ? "M" : "L"}${fixed(across(points[2 * i]))} ${fixed(down(points[2 * i + 1]))}`;
    }
    return d;
  }
  function scattered(points) {
    let d = "";
    for (let i = 0; i < points.length; i += 2) {
      d += `M${fixed(across(points[i]))} ${fixed(down(points[i + 1]))}h0`;
    }
    return d;
  }
  const key = (color, text) => el("span", { class: "gm-key" },
    el("span", { class: `gm-dot gm-back${color}` }), text);

  // The arrow keys on a handle: at() is where it is, moved(x1, x2) where it is to go.
  function steered(handle, touched, home, at, moved) {
    keys(handle, touched, function (right, up, large) {
      if (right === null) return home();
      const next = (v, by) => Math.round((v + by * (large ? 0.5 : 0.05)) * 1e4) / 1e4;
      const [x1, x2] = at();
      moved(next(x1, right), next(x2, up));
    });
  }
  // Two numbers that are finite, held on the plane.
  function within(x1, x2) {
    if (!Number.isFinite(x1) || !Number.isFinite(x2)) {
      throw new RangeError(`expected two finite numbers, given ${x1} and ${x2}`);
    }
    return [held(x1), held(x2)];
  }
  return { SIZE, across, down, fixed, unit, area, dots, line, scattered, key, steered, within };
};
