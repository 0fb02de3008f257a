// The latent plane, for latent_plane.py.  Left: the plane with encoded points and a handle.  Right: the decoded image.
GM.figures.latent_plane = function (data, root) {
  const { el, svg, number, paint, speaker, buttons, grip, drag, keys, motion } = GM.tools;
  const net = GM.net(data.net, GM.half(GM.bytes(data.weights)));
  const points = GM.half(GM.bytes(data.points)), labels = GM.bytes(data.labels);
  const [channels, height, width] = data.shape, extent = data.extent;
  const z = [0, 0];
  const SIZE = 400; // of the plane, in units of its viewBox
  const across = (v) => ((v + extent) / (2 * extent)) * SIZE;
  const down = (v) => SIZE - across(v);
  const fixed = (v) => v.toFixed(1);

  // The plane: grid, rings of the prior, points, numbers at the edges.
  const step = [1, 2, 5, 10, 20, 50, 100].map((s) => s * (extent < 2 ? 0.1 : 1))
    .find((s) => (2 * extent) / s <= 10) || extent;
  const grid = svg("g", { class: "gm-grid" }), ticks = svg("g", { class: "gm-ticks" });
  for (let k = -Math.ceil(extent / step) + 1; k < extent / step; k++) {
    const v = k * step, kind = k === 0 ? "gm-axis" : "";
    grid.append(
      svg("path", { d: `M${fixed(across(v))} 0V${SIZE}`, class: kind }),
      svg("path", { d: `M0 ${fixed(down(v))}H${SIZE}`, class: kind }));
    const text = String(+v.toFixed(6)).replace("-", "\u2212");
    ticks.append(
      svg("text", { x: fixed(across(v)), y: SIZE - 6, "text-anchor": "middle" }, text),
      svg("text", { x: 6, y: fixed(down(v) + 4) }, text));
  }
  for (let r = 1; data.prior && r < Math.min(extent, 6); r++) {
    grid.append(svg("circle", {
      class: "gm-ring", cx: SIZE / 2, cy: SIZE / 2, r: fixed((r / extent) * SIZE / 2) }));
  }
  ticks.append(
    svg("text", { x: SIZE - 8, y: SIZE - 6, "text-anchor": "end", class: "gm-name" }, "z\u2081"),
    svg("text", { x: 6, y: 17, class: "gm-name" }, "z\u2082"));
  const dots = svg("g", { class: "gm-dots" });
  for (let i = 0; i < points.length / 2; i++) {
    dots.append(svg("circle", {
      "data-class": labels.length ? labels[i] : 0,
      class: `gm-fill${labels.length ? labels[i] : 0}`,
      cx: fixed(across(points[2 * i])), cy: fixed(down(points[2 * i + 1])), r: 2.6 }));
  }
  const handle = grip();
  // Under the handle the points, or the still picture: what is decoded there.
  const still = root.querySelector("img.gm-still");
  const plane = el("div", { class: "gm-plane" },
    el("img", { src: still.src, alt: "", draggable: "false" }),
    svg("svg", { viewBox: `0 0 ${SIZE} ${SIZE}`, "aria-hidden": "true" }, grid, ticks, dots),
    handle);

  // The image, its coordinates, and the same for a screen reader.
  const canvas = el("canvas", { width, height, role: "img" });
  const where = el("div", { class: "gm-where" });
  const near = el("div", { class: "gm-near" });
  const spoken = speaker();
  const pictures = el("button", { type: "button", "aria-pressed": "false" }, "Pictures");
  pictures.addEventListener("click", function () {
    const on = plane.classList.toggle("gm-pictured");
    pictures.setAttribute("aria-pressed", String(on));
  });

  // Wander: along a closed curve, once a minute around.
  const radius = Math.min(2, 0.7 * extent);
  let angle = 0;
  const wander = motion(root, "Wander", data.wander, function (seconds) {
    angle += (2 * Math.PI * seconds) / 60;
    const pull = 1 - Math.exp(-1.5 * seconds); // from where the handle is, gently
    set(z[0] + pull * (radius * Math.sin(2 * angle) - z[0]),
      z[1] + pull * (radius * Math.sin(3 * angle) - z[1]));
  });
  const side = el("div", { class: "gm-side" }, canvas, where, near,
    buttons(wander.button, ["Center", () => { wander.stop(); set(0, 0); }], pictures),
    spoken.node);

  // One button a class: the class stands out, the others fade.  Nobody has to tell
  // ten colors apart.
  const legend = el("div", { class: "gm-legend", role: "group", "aria-label": "Classes" });
  data.classes.forEach((name, k) => {
    const button = el("button", { type: "button", "aria-pressed": "false" },
      el("span", { class: `gm-dot gm-back${k}` }), name);
    button.addEventListener("click", function () {
      const on = button.getAttribute("aria-pressed") === "false";
      for (const other of legend.children) other.setAttribute("aria-pressed", "false");
      button.setAttribute("aria-pressed", String(on));
      dots.classList.toggle("gm-chosen", on);
      for (const dot of dots.children) {
        dot.classList.toggle("gm-stands-out", on && dot.dataset.class === String(k));
      }
    });
    legend.append(button);
  });

  function nearest() { // index of the encoded point nearest to z
    let best = 0, least = Infinity;
    for (let i = 0; i < points.length / 2; i++) {
      const distance = (points[2 * i] - z[0]) ** 2 + (points[2 * i + 1] - z[1]) ** 2;
      if (distance < least) [best, least] = [i, distance];
    }
    return best;
  }

  function set(z1, z2) { // the handle stays on the plane
    if (!Number.isFinite(z1) || !Number.isFinite(z2)) {
      throw new RangeError(`expected two finite numbers, given ${z1} and ${z2}`);
    }
    z[0] = Math.min(extent, Math.max(-extent, z1));
    z[1] = Math.min(extent, Math.max(-extent, z2));
    handle.style.left = `${across(z[0]) / SIZE * 100}%`;
    handle.style.top = `${down(z[1]) / SIZE * 100}%`;
    paint(canvas, net(z), channels);
    const a = number(z[0]), b = number(z[1]);
    where.textContent = `z\u2081 = ${a}\u2003z\u2082 = ${b}`;
    let words = `z1 ${a}, z2 ${b}`;
    canvas.setAttribute("aria-label", `Decoded image at ${words}`);
    if (data.classes.length) {
      const label = labels[nearest()];
      near.replaceChildren("nearest point: ",
        el("span", { class: `gm-dot gm-back${label}` }), data.classes[label]);
      words += `, nearest point: ${data.classes[label]}`;
    }
    handle.setAttribute("aria-label", `${data.label}: ${words}`);
    spoken.say(words);
    return z.slice();
  }

  drag(plane, handle, wander.stop, (x, y) => set((2 * x - 1) * extent, (1 - 2 * y) * extent));
  keys(handle, wander.stop, function (right, up, large) {
    const next = (v, k) => Math.round((v + k * (large ? 0.5 : 0.05)) * 1e4) / 1e4;
    if (right === null) set(0, 0);
    else set(next(z[0], right), next(z[1], up));
  });

  let outside = 0;
  for (let i = 0; i < points.length; i += 2) {
    outside += Math.max(Math.abs(points[i]), Math.abs(points[i + 1])) > extent;
  }
  const help = ["Drag the handle, or use the arrow keys (Shift: larger steps, Home: center)."];
  if (data.prior) help.push("Dotted rings: whole standard deviations of a standard normal.");
  if (outside) help.push(`${outside} of ${points.length / 2} points lie outside the plane.`);

  set(...data.start);
  return [
    el("div", { class: "gm-body" },
      el("div", { class: "gm-row" }, el("div", { class: "gm-left" }, plane, legend), side),
      el("div", { class: "gm-help" }, help.join(" "))),
    { decode: (v) => net(v), set, get: () => z.slice() },
  ];
};
