// Faces by phrases, for face_by_phrase.py: a diffusion transformer draws them here.
GM.figures.face_by_phrase = function (data, root) {
  const { el, number, random, paint, speaker, slider, choice, buttons, motion, calm } = GM.tools;
  const { width, depth, heads, side, places, reader, traits, walks } = data;
  const size = side * places, values = 3 * side * side, squares = places * places;
  const SHOWN = 4, REST = 2.5; // faces; seconds before the next phrase

  // ---- the model: matrices are bytes times a number of each row, the rest halves ------

  const bytes = new Int8Array(GM.bytes(data.bytes).buffer), halves = GM.half(GM.bytes(data.halves));
  let low = 0, high = 0;
  const vector = (n) => halves.subarray(low, (low += n));
  function matrix(rows, columns) {
    const reach = vector(rows), whole = bytes.subarray(high, (high += rows * columns));
    return Float32Array.from(whole, (v, i) => (v * reach[Math.floor(i / columns)]) / 127);
  }
  function linear(into, out, bias = true) {
    const weight = matrix(out, into), shift = bias ? vector(out) : new Float32Array(out);
    return function (x) {
      const n = x.length / into, y = new Float32Array(n * out);
      for (let r = 0; r < n; r++) {
        const row = x.subarray(r * into, (r + 1) * into);
        for (let j = 0; j < out; j++) {
          let sum = shift[j];
          for (let i = 0, w = j * into; i < into; i++) sum += weight[w + i] * row[i];
          y[r * out + j] = sum;
        }
      }
      return y;
    };
  }
  function normed(x, d, f) { // each row of d with mean 0 and variance 1, then f(v, column)
    const y = new Float32Array(x.length);
    for (let r = 0; r < x.length; r += d) {
      let mean = 0, variance = 0;
      for (let i = r; i < r + d; i++) mean += x[i] / d;
      for (let i = r; i < r + d; i++) variance += (x[i] - mean) ** 2 / d;
      const scale = 1 / Math.sqrt(variance + 1e-5);
      for (let i = 0; i < d; i++) y[r + i] = f((x[r + i] - mean) * scale, i);
    }
    return y;
  }
  function norm(d) {
    const scale = vector(d), shift = vector(d);
    return (x) => normed(x, d, (v, i) => v * scale[i] + shift[i]);
  }
  function attended(qkv, d, count, causal) { // rows of q, k and v side by side
    const n = qkv.length / (3 * d), part = d / count, y = new Float32Array(n * d);
    for (let h = 0; h < count; h++) {
      for (let r = 0; r < n; r++) {
        const seen = causal ? r + 1 : n, q = 3 * d * r + h * part, scores = new Float32Array(seen);
        let most = -Infinity, sum = 0;
        for (let s = 0; s < seen; s++) {
          const k = 3 * d * s + d + h * part;
          for (let i = 0; i < part; i++) scores[s] += qkv[q + i] * qkv[k + i];
          scores[s] /= Math.sqrt(part);
          most = Math.max(most, scores[s]);
        }
        for (let s = 0; s < seen; s++) sum += scores[s] = Math.exp(scores[s] - most);
        for (let s = 0; s < seen; s++) {
          const v = 3 * d * s + 2 * d + h * part;
          for (let i = 0; i < part; i++) y[r * d + h * part + i] += (scores[s] / sum) * qkv[v + i];
        }
      }
    }
    return y;
  }
  const gelu = GM.layers.gelu(), silu = GM.layers.silu();
  const add = (x, y) => x.map((v, i) => v + y[i]);

  // What reads the phrase, in the order of its weights.
  const w = reader.width, word = matrix(reader.tokens, w), place = matrix(reader.length, w);
  const layers = Array.from({ length: reader.depth }, () => ({ before: norm(w),
    qkv: linear(w, 3 * w, false), out: linear(w, w, false), between: norm(w),
    up: linear(w, 4 * w), down: linear(4 * w, w) }));
  const after = norm(w), told_by = linear(w, width, false);
  function read(tokens) {
    let h = place.slice();
    tokens.forEach((t, r) => { for (let i = 0; i < w; i++) h[r * w + i] += word[t * w + i]; });
    for (const { before, qkv, out, between, up, down } of layers) {
      h = add(h, out(attended(qkv(before(h)), w, reader.heads, true)));
      h = add(h, down(gelu(up(between(h)))));
    }
    const sum = new Float32Array(w);
    after(h).forEach((v, i) => { sum[i % w] += tokens[Math.floor(i / w)] ? v : 0; });
    return told_by(sum);
  }
  // What denoises.
  const first = linear(2 * data.frequencies, width), second = linear(width, width);
  const into = linear(values, width), position = matrix(squares, width);
  const blocks = Array.from({ length: depth }, () => ({ told: linear(width, 6 * width),
    qkv: linear(width, 3 * width), out: linear(width, width),
    up: linear(width, 4 * width), down: linear(4 * width, width) }));
  const last = linear(width, 2 * width), head = linear(width, values);
  if (low !== halves.length || high !== bytes.length) throw new RangeError("weights are left over");

  function cut(x, back) { // pixels, channel after channel, to a row for each square, or back
    const y = new Float32Array(x.length);
    for (let i = 0; i < x.length; i++) {
      const c = Math.floor(i / size ** 2), r = Math.floor(i / size) % size, q = i % size;
      const square = Math.floor(r / side) * places + Math.floor(q / side);
      const j = square * values + (c * side + (r % side)) * side + (q % side);
      if (back) y[i] = x[j];
      else y[j] = x[i];
    }
    return y;
  }
  function net(x, time, phrase) {
    const told = silu(add(time, phrase)), part = (six, k) => six.subarray(k * width, (k + 1) * width);
    const steered = (h, six, k) => {
      const shift = part(six, k), scale = part(six, k + 1);
      return normed(h, width, (v, i) => v * (1 + scale[i]) + shift[i]);
    };
    const gated = (h, six, k, y) => h.map((v, i) => v + six[k * width + (i % width)] * y[i]);
    let h = add(into(cut(x, false)), position);
    for (const { told: six_of, qkv, out, up, down } of blocks) {
      const six = six_of(told);
      h = gated(h, six, 2, out(attended(qkv(steered(h, six, 0)), width, heads, false)));
      h = gated(h, six, 5, down(gelu(up(steered(h, six, 3)))));
    }
    const two = last(told), scale = part(two, 0), shift = part(two, 1);
    return cut(head(normed(h, width, (v, i) => v * (1 + scale[i]) + shift[i])), true);
  }
  const nothing = new Float32Array(width); // what no words say
  const times = walks.map(({ steps }) => steps.map(({ told }) =>
    second(silu(first(Float32Array.from(told))))));
  function estimate(x, walk, k, phrase, weight) {
    const { skip, out, scale } = walks[walk].steps[k], scaled = x.map((v) => scale * v);
    const say = (p) => net(scaled, times[walk][k], p).map((v, i) => skip * x[i] + out * v);
    const told = say(phrase), anything = weight === 1 ? told : say(nothing);
    return anything.map((v, i) =>
      Math.min(data.high, Math.max(data.low, v + weight * (told[i] - v))));
  }

  // ---- faces on their way ------------------------------------------------------

  const names = data.names; // in the order of a phrase
  const wish = Object.fromEntries(names.map((name) => [name, -1])), how = { weight: data.weight, walk: data.walk };
  const words = () => names.filter((name) => wish[name] >= 0)
    .flatMap((name) => [...(traits[name][wish[name]] ? [traits[name][wish[name]]] : []), name]);
  const text = () => names.filter((name) => wish[name] >= 0)
    .map((name) => `${traits[name][wish[name]]} ${name}`.trim()).join(", ");
  let state = data.seed, faces = [], phrase = nothing;

  function noise(uniform) { // standard normal, by Box and Muller
    const x = new Float32Array(3 * size * size);
    for (let i = 0; i < x.length; i += 2) {
      const far = Math.sqrt(-2 * Math.log(1 - uniform())), angle = 2 * Math.PI * uniform();
      x[i] = far * Math.cos(angle);
      if (i + 1 < x.length) x[i + 1] = far * Math.sin(angle);
    }
    return x;
  }
  function begin(given) {
    const uniform = random(state), { start } = walks[how.walk];
    const tokens = words().map((one) => data.words.indexOf(one) + 1);
    phrase = tokens.length ? read([...tokens, ...new Array(reader.length - tokens.length).fill(0)]) : nothing;
    faces = Array.from({ length: SHOWN }, (_, i) => ({ k: 0, before: null,
      x: (given?.[i] ? Float32Array.from(given[i]) : noise(uniform)).map((v) => start * v) }));
  }
  function advance(face) { // a step of DPM-Solver++, second order
    const { x, data: of_data, change } = walks[how.walk].steps[face.k];
    const guess = estimate(face.x, how.walk, face.k, phrase, how.weight), before = face.before ?? guess;
    face.x = face.x.map((v, i) => x * v + of_data * guess[i] + change * (guess[i] - before[i]));
    face.before = guess;
    face.k++;
  }
  const done = () => faces.every(({ k }) => k === walks[how.walk].steps.length);

  // ---- what is seen ----------------------------------------------------------

  const style = el("style", {}, `
.gm-faces{display:grid;grid-template-columns:repeat(${SHOWN},1fr);gap:.6rem;margin:.2rem 0 .6rem}
.gm-faces canvas{width:100%;image-rendering:pixelated;border-radius:6px;display:block}
.gm-wishes{display:flex;flex-wrap:wrap;gap:.3rem 1.1rem;margin-bottom:.5rem}
.gm-wishes .gm-slider,.gm-wishes select{width:auto;margin:0}
.gm-faces+.gm-near{min-height:1.5em}`);
  const canvases = Array.from({ length: SHOWN }, () => el("canvas", { width: size, height: size }));
  const shown = el("div", { class: "gm-faces", role: "img" }, ...canvases);
  const under = el("div", { class: "gm-near" }), spoken = speaker();
  let painted = false, asked = false; // asked: by the reader, who is told when it is done
  function show() {
    const steps = walks[how.walk].steps.length, k = Math.max(...faces.map((face) => face.k));
    const still = calm.matches && !done(); // what is on its way is not shown then
    if (!still || !painted) {
      faces.forEach(({ x }, i) => paint(canvases[i], x.map((v) =>
        Math.min(1, Math.max(0, data.center + data.spread * v))), 3));
    }
    painted = true;
    const on = still ? "on their way" : `step ${k} of ${steps}`;
    const said = text() ? `\u201c${text()}\u201d` : "any face", at = done() ? "done" : on;
    const words = `${said}, weight ${number(how.weight, 1)}: ${at}`;
    if (under.textContent !== words) under.textContent = words;
    shown.setAttribute("aria-label", `${data.label}: ${SHOWN} faces for ${said}, ${at}`);
    if (done() && asked) spoken.say(shown.getAttribute("aria-label"));
    asked = asked && !done();
  }

  // ---- the reader ------------------------------------------------------------

  let alone = data.wander, rest = 0, uniform = random(data.seed + 1);
  const run = motion(root, "Draw", data.wander, function (seconds) {
    if (!done()) {
      advance(faces.reduce((a, b) => (b.k < a.k ? b : a))); // one face a frame, in turn
      return show();
    }
    if (!alone) return run.stop();
    rest += Math.max(0, seconds);
    if (rest < REST) return;
    for (const name of names) set(name, Math.floor(uniform() * (traits[name].length + 1)) - 1);
    again();
  }, true);
  // Who has come to a control by mouse or keys is not to see it change by itself; at the
  // button it goes on, or "Pause" would be "Draw" before the press is over.
  for (const touch of ["focusin", "pointerdown"]) {
    root.addEventListener(touch, ({ target }) => { alone = alone && target === run.button; });
  }
  run.button.addEventListener("click", function () {
    const pause = run.button.getAttribute("aria-pressed") === "true";
    alone = false;
    asked = !pause;
    if (done() && !pause) again();
  }, true);
  function again() { // from fresh noise
    rest = 0;
    state++;
    begin();
    show();
  }
  function restart() { // from the same noise
    alone = false;
    asked = true;
    begin();
    show();
    run.start();
  }
  const any = "any", lists = {};
  function set(name, value) {
    wish[name] = value;
    lists[name].node.querySelector("select").selectedIndex = value + 1;
  }
  for (const name of names) {
    const options = [any, ...traits[name].map((v) => v || "yes")];
    lists[name] = choice(name, options, 0, function (i) {
      wish[name] = i - 1;
      restart();
    });
  }
  const heavy = slider({ min: 0, max: 8, step: 0.5, value: how.weight },
    (v) => `weight of the phrase: ${number(Number(v), 1)}`, function (v) {
      how.weight = v;
      restart();
    });
  const long = slider({ min: 0, max: walks.length - 1, step: 1, value: how.walk },
    (i) => `steps: ${walks[i].steps.length}`, function (i) {
      how.walk = i;
      restart();
    });

  begin();
  show();
  return [
    el("div", { class: "gm-body" }, style,
      el("div", { class: "gm-wishes" }, ...names.map((name) => lists[name].node)),
      shown, under,
      el("div", { class: "gm-wishes" }, heavy.node, long.node),
      buttons(run.button, ["Other faces", () => { state++; restart(); }]), spoken.node,
      el("div", { class: "gm-help" },
        "Choose what is said of the faces; what stays at \u201cany\u201d is not named. At weight 1 the network "
        + "draws what it was trained on, at 0 it is told nothing. Each change starts from the same noise; "
        + "\u201cOther faces\u201d takes another.")),
    { set(given) {
        for (const [name, value] of Object.entries(given)) {
          if (!(name in wish) || !(value >= -1 && value < traits[name].length)) {
            throw new RangeError(`no trait ${name} with the value ${value}`);
          }
          set(name, value);
        }
        begin();
        show();
      },
      weight(v) { how.weight = v; heavy.show(v); begin(); show(); },
      steps(i) { how.walk = i; long.show(i); begin(); show(); },
      estimate: (x, k) => Array.from(estimate(Float32Array.from(x), how.walk, k, phrase, how.weight)),
      draw(given) {
        run.stop();
        begin(given);
        while (!done()) faces.forEach(advance);
        show();
        return faces.map(({ x }) => Array.from(x));
      },
      get: () => ({ wish: { ...wish }, text: text(), ...how, seed: state, steps: faces.map(({ k }) => k) }) },
  ];
};
