// The runtime of gmcourse's live figures: a trained network runs in the page.
// Plain JavaScript, no dependencies, no requests.  figure.py puts this text, that of the
// figure's kind and the weights into one piece of HTML.  From the top: a layer
// interpreter (GM.net), helpers for building a figure (GM.tools), and the look.
// GM.figures holds the kinds of figures, each from a file of its own.
(function (version) {
  "use strict";
  if (window.GM && window.GM.version === version) return; // several figures, one page
  const GM = (window.GM = { version, layers: {}, figures: {} });

  // ---- numbers ---------------------------------------------------------------

  GM.bytes = (base64) => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));

  // IEEE 754 half precision, little-endian, to float32; exact.
  GM.half = function (bytes) {
    const view = new DataView(bytes.buffer);
    const out = new Float32Array(bytes.length / 2);
    for (let i = 0; i < out.length; i++) {
      const h = view.getUint16(2 * i, true);
      const exponent = (h >> 10) & 31, fraction = h & 1023;
      const size = exponent
        ? (1 + fraction / 1024) * 2 ** (exponent - 15)
        : fraction * 2 ** -24;
      out[i] = h & 0x8000 ? -size : size;
    }
    return out;
  };

  // Abramowitz and Stegun 1964, 7.1.26; error below 1.5e-7.
  function erf(x) {
    const t = 1 / (1 + 0.3275911 * Math.abs(x));
    const poly = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741
      + t * (-1.453152027 + t * 1.061405429))));
    return Math.sign(x) * (1 - poly * Math.exp(-x * x));
  }

  // ---- layers ----------------------------------------------------------------

  // GM.layers[name](take, ...args) returns a function from a batch to a batch.
  // Batches are Float32Arrays, example after example; take(n) hands out the next n
  // weights.  A function may overwrite its input: GM.net gives it a copy.

  GM.layers.linear = function (take, d, k) {
    const weight = take(k * d), bias = take(k); // weight: k rows of d
    return function (x) {
      const n = x.length / d, y = new Float32Array(n * k);
      if (!Number.isInteger(n)) throw new RangeError(`${x.length} numbers: not rows of ${d}`);
      for (let row = 0; row < n; row++) {
        for (let j = 0; j < k; j++) {
          let sum = bias[j];
          const w = j * d, r = row * d;
          for (let i = 0; i < d; i++) sum += weight[w + i] * x[r + i];
          y[row * k + j] = sum;
        }
      }
      return y;
    };
  };

  const pointwise = (f) => (take, ...args) => function (x) {
    for (let i = 0; i < x.length; i++) x[i] = f(x[i], ...args);
    return x;
  };
  const sigmoid = (x) => 1 / (1 + Math.exp(-x));
  const inner = Math.sqrt(2 / Math.PI);
  Object.assign(GM.layers, {
    relu: pointwise((x) => (x > 0 ? x : 0)),
    leaky_relu: pointwise((x, low) => (x > 0 ? x : low * x)),
    tanh: pointwise(Math.tanh),
    sigmoid: pointwise(sigmoid),
    silu: pointwise((x) => x * sigmoid(x)),
    gelu: pointwise((x) => 0.5 * x * (1 + erf(x * Math.SQRT1_2))),
    gelu_tanh: pointwise(
      (x) => 0.5 * x * (1 + Math.tanh(inner * (x + 0.044715 * x * x * x)))),
    softplus: pointwise((x, beta, threshold) =>
      x * beta > threshold ? x : Math.log1p(Math.exp(x * beta)) / beta),
  });

  // spec: [[name, ...args], ...]; weights: Float32Array in the order of the layers.
  GM.net = function (spec, weights) {
    let used = 0;
    const take = (n) => weights.subarray(used, (used += n));
    const steps = spec.map(([name, ...args]) => GM.layers[name](take, ...args));
    if (used !== weights.length) {
      throw new RangeError(`the layers use ${used} weights, given ${weights.length}`);
    }
    return (batch) => steps.reduce((x, step) => step(x), Float32Array.from(batch));
  };

  // ---- building a figure -----------------------------------------------------

  function fill(node, attributes, children) {
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    node.append(...children);
    return node;
  }
  const el = (tag, attributes = {}, ...children) =>
    fill(document.createElement(tag), attributes, children);
  const svg = (tag, attributes = {}, ...children) =>
    fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

  const number = (x, digits = 2) =>
    x.toFixed(digits).replace(/^-(0\.?0*)$/, "$1").replace("-", "\u2212");

  // A small generator of its own (mulberry32): the same page, the same draws.
  function random(state) {
    return function () {
      state = (state + 0x6d2b79f5) | 0;
      let t = Math.imul(state ^ (state >>> 15), 1 | state);
      t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
      return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };
  }

  // What a screen reader says, once the figure has rested for half a second.
  function speaker() {
    const node = el("div", { class: "gm-spoken", "aria-live": "polite" });
    let later = 0;
    function say(words) {
      clearTimeout(later);
      later = setTimeout(() => { node.textContent = words; }, 500);
    }
    return { node, say };
  }

  // A slider with a line of text before it: told(i) is that line, moved(i) what follows.
  function slider(range, told, moved) {
    const input = el("input", { type: "range", ...range }), text = el("span");
    function show(i) {
      input.value = i;
      text.textContent = told(i);
      input.setAttribute("aria-valuetext", text.textContent);
    }
    input.addEventListener("input", function () {
      show(Number(input.value));
      moved(Number(input.value));
    });
    input.addEventListener("keydown", (event) => event.stopPropagation()); // not Jupyter's
    show(range.value);
    return { node: el("label", { class: "gm-slider" }, text, input), show };
  }

  // A list to choose from, after its name.  chosen(i): what follows.
  function choice(name, options, at, chosen) {
    const select = el("select", {}, ...options.map((text) => el("option", {}, text)));
    select.selectedIndex = at;
    select.addEventListener("change", () => chosen(select.selectedIndex));
    select.addEventListener("keydown", (event) => event.stopPropagation()); // not Jupyter's
    return { node: el("label", { class: "gm-slider" }, name, select) };
  }

  // A row of buttons: elements, or [name, what it does].
  function buttons(...given) {
    return el("div", { class: "gm-buttons" }, ...given.map(function (one) {
      if (one instanceof Node) return one;
      const [name, act] = one, button = el("button", { type: "button" }, name);
      button.addEventListener("click", act);
      return button;
    }));
  }

  // The handle that `drag` and `keys` move over an area.
  const grip = () => el("div", { class: "gm-handle", tabindex: 0, role: "application",
    "aria-roledescription": "two-dimensional slider" });

  // Pixels in [0, 1], channel after channel, onto a canvas of the image's own size.
  function paint(canvas, pixels, channels) {
    const { width, height } = canvas, size = width * height;
    const image = new ImageData(width, height);
    for (let i = 0; i < size; i++) {
      for (let c = 0; c < 3; c++) {
        image.data[4 * i + c] = 255 * pixels[channels === 1 ? i : c * size + i];
      }
      image.data[4 * i + 3] = 255;
    }
    canvas.getContext("2d").putImageData(image, 0, 0);
  }

  // A handle on an area.  Mouse and pen: press anywhere and drag.  Touch: drag the
  // handle or tap; a swipe over the area scrolls the page as anywhere else.
  // touched(): the reader takes over.  moved(x, y): to parts of width and height.
  function drag(area, handle, touched, moved) {
    let dragging = null, grip = [0, 0], tapped = false;
    function follow(event) {
      const box = area.getBoundingClientRect();
      moved((event.clientX - grip[0] - box.left) / box.width,
        (event.clientY - grip[1] - box.top) / box.height);
    }
    area.addEventListener("pointerdown", function (event) {
      if (event.button !== 0) return;
      const onHandle = event.target === handle;
      grip = [0, 0];
      tapped = event.pointerType === "touch" && !onHandle;
      if (tapped) return; // wait for the click: this may become a scroll
      touched();
      if (onHandle) { // keep the handle from jumping under the finger
        const box = handle.getBoundingClientRect();
        grip = [event.clientX - box.left - box.width / 2,
          event.clientY - box.top - box.height / 2];
      }
      dragging = event.pointerId;
      area.setPointerCapture(event.pointerId);
      handle.focus({ preventScroll: true });
      event.preventDefault(); // no text selection, no loss of focus
      follow(event);
    });
    area.addEventListener("pointermove", (event) => {
      if (event.pointerId === dragging) follow(event);
    });
    area.addEventListener("lostpointercapture", () => { dragging = null; });
    area.addEventListener("click", function (event) {
      if (!tapped) return;
      touched();
      follow(event);
    });
  }

  // The arrow keys on a handle.  moved(right, up, large), or moved(null) for Home.
  function keys(handle, touched, moved) {
    handle.addEventListener("keydown", function (event) {
      if (event.ctrlKey || event.altKey || event.metaKey) return;
      const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1],
        ArrowUp: [0, 1], Home: [null] }[event.key];
      if (move === undefined) return;
      event.preventDefault(); // the page does not scroll
      event.stopPropagation(); // Jupyter does not change the cell
      touched();
      moved(...move, event.shiftKey);
    });
  }

  // A figure that moves by itself: a button that starts and stops it, and step(seconds)
  // for each frame, or once a second where the reader asked the system for less motion.
  // With `invites` it begins when it comes into view, but never under less motion, and
  // once a reader has touched it, only at the button.  Out of view it rests.
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)");
  // Where motion is to be reduced a step is made once a second, unless ``quiet``: then the
  // figure shows nothing that moves until it is done.
  function motion(root, name, invites, step, quiet = false) {
    const button = el("button", { type: "button", "aria-pressed": "false" }, name);
    let frame = 0, last = 0, seen = true;
    new IntersectionObserver((entries) => { seen = entries.at(-1).isIntersecting; }).observe(root);
    function tick(now) {
      if (!root.isConnected) return stop(); // the cell was run again
      frame = requestAnimationFrame(tick);
      if (!seen) return;
      if (calm.matches && !quiet && now - last < 1000) return;
      const seconds = Math.min((now - last) / 1000, calm.matches && !quiet ? 1 : 0.1);
      last = now;
      step(seconds);
    }
    function show(on) {
      button.textContent = on ? "Pause" : name;
      button.setAttribute("aria-pressed", String(on));
    }
    function start() {
      if (frame) return;
      show(true);
      last = performance.now();
      frame = requestAnimationFrame(tick);
    }
    function stop() { // the reader takes over
      invites = false;
      cancelAnimationFrame(frame);
      frame = 0;
      show(false);
    }
    button.addEventListener("click", () => (frame ? stop() : start()));
    if (invites) {
      new IntersectionObserver(function (seen, observer) {
        if (!invites || calm.matches) return observer.disconnect();
        if (seen.some((entry) => entry.isIntersecting)) {
          observer.disconnect();
          start();
        }
      }, { threshold: 0.6 }).observe(root);
    }
    return { button, start, stop };
  }

  // Ten colors by M. A. Petroff, "Accessible color sequences for data visualization"
  // (arXiv:2107.02270); in dark mode the two darkest are lighter.
  const colors = ["#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6",
    "#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd"];

  GM.tools = { el, svg, number, random, paint, speaker, slider, choice, buttons, grip, drag,
    keys, motion, calm, colors };

  // Every container of that id which is not alive yet.  A cell that shows one figure
  // twice repeats the id.  If anything throws, the still picture stays.
  GM.start = function (id, data) {
    for (const root of document.querySelectorAll(`[id="${id}"]:not(.gm-alive)`)) {
      const [body, api] = GM.figures[data.kind](data, root);
      root.append(body);
      root.gm = api;
      root.classList.add("gm-alive");
    }
  };

  // ---- the look --------------------------------------------------------------

  const palette = colors.map((c, k) => `--gm-c${k}:${c}`).join(";");
  const painted = colors.map((c, k) =>
    `.gm-fill${k}{fill:var(--gm-c${k})}.gm-stroke${k}{stroke:var(--gm-c${k})}.gm-back${k}{background:var(--gm-c${k})}`).join("");
  const dark = `--gm-ink:#d7dde3;--gm-soft:#9ca4af;--gm-line:#262d36;--gm-axis:#3d4753;
    --gm-panel:#191e25;--gm-edge:#343d48;--gm-page:var(--pst-color-background,var(--jp-layout-color0,#14181e));
    --gm-focus:#6cb6ff;--gm-c2:#cf2a10;--gm-c4:#9a48cc;color-scheme:dark`;
  const style = `
.gm-live{--gm-ink:#24292f;--gm-soft:#5f6873;--gm-line:#eceef1;--gm-axis:#cdd2d9;
  --gm-panel:#fcfcfd;--gm-edge:#d8dce2;--gm-page:var(--pst-color-background,#fff);
  --gm-focus:#0969da;${palette};color-scheme:light}
html[data-theme=dark] .gm-live,html[theme=dark] .gm-live,
body[data-jp-theme-light=false] .gm-live,body.vscode-dark .gm-live{${dark}}
@media (prefers-color-scheme:dark){html:not([data-theme]):not([theme])
  body:not([data-jp-theme-light]):not([class*=vscode-]) .gm-live{${dark}}}
.cell_output .text_html:has(>.gm-live){background:none!important;padding:0!important}
.gm-live{container-type:inline-size;background:var(--gm-page);color:var(--gm-ink);
  max-width:760px;margin:.5rem auto;line-height:1.45;
  font-family:var(--pst-font-family-base,system-ui,sans-serif);font-size:15px}
.gm-live *{box-sizing:border-box}
.gm-alive .gm-still{display:none}
.gm-title{font-weight:600;margin-bottom:.6rem}
.gm-title:empty{display:none}
.gm-row{display:flex;gap:1.5rem;align-items:flex-start;padding:1px}
.gm-left{flex:1.35 1 0;min-width:0}
.gm-side{flex:1 1 0;min-width:0;position:relative}
.gm-plane{position:relative;aspect-ratio:1;cursor:crosshair;user-select:none;
  -webkit-user-select:none;touch-action:manipulation;border-radius:8px;
  background:var(--gm-panel);box-shadow:0 0 0 1px var(--gm-edge)}
.gm-plane svg{display:block;width:100%;height:100%;border-radius:8px;overflow:hidden}
.gm-grid *{fill:none;stroke:var(--gm-line);stroke-width:1}
.gm-grid .gm-axis{stroke:var(--gm-axis)}
.gm-grid .gm-ring{stroke:var(--gm-soft);stroke-dasharray:1 5;stroke-linecap:round;
  stroke-width:1.3;opacity:.7}
.gm-ticks text{font-size:11px;fill:var(--gm-soft);stroke:var(--gm-panel);
  stroke-width:3px;paint-order:stroke;stroke-linejoin:round}
.gm-ticks .gm-name{font-size:14px;font-style:italic;fill:var(--gm-ink)}
.gm-dots circle{opacity:.8;transition:opacity .15s}
.gm-chosen circle{opacity:.1}
.gm-chosen .gm-stands-out{opacity:1}
.gm-wide{aspect-ratio:4/3}
.gm-area{opacity:.55}
.gm-curve{fill:none;stroke-width:2.5}
.gm-untouched{cursor:auto}
.gm-past{opacity:.25}
.gm-ellipses ellipse{fill:none}
.gm-slider{display:flex;align-items:center;justify-content:center;gap:.6rem;margin-top:.7rem;
  font-size:.9em;white-space:nowrap}
.gm-slider input{width:9rem;min-width:0;accent-color:var(--gm-ink)}
.gm-controls .gm-slider{justify-content:space-between;margin-top:.4rem}
.gm-live select{font:inherit;color:inherit;background:var(--gm-panel);cursor:pointer;
  border:1px solid var(--gm-edge);border-radius:6px;padding:.15rem .3rem;min-height:28px;
  width:12.5rem;min-width:0}
.gm-live :is(select,input):focus-visible{outline:3px solid var(--gm-focus);outline-offset:2px}
.gm-plane canvas{display:block;width:100%;border-radius:8px}
.gm-plane canvas~.gm-handle{display:none}
.gm-drawing{cursor:crosshair;touch-action:none}
.gm-drawing canvas~.gm-handle{display:block}
.gm-hint:not([hidden]){position:absolute;inset:0 0 20%;display:grid;place-items:center;
  color:var(--gm-soft);pointer-events:none}
.gm-key{font-size:.9em;margin:0 .6rem}
.gm-grid .gm-level{stroke:var(--gm-soft);stroke-dasharray:3 5}
.gm-thin{stroke-width:1.6}
.gm-losses{margin:1rem 0 .6rem;font-size:.9em}
.gm-below .gm-where{margin-top:0}
.gm-sheet{display:block;width:100%;image-rendering:pixelated;border-radius:6px;
  margin-bottom:.5rem}
.gm-stack canvas+canvas{margin-top:.5rem}
.gm-panel{margin-bottom:.9rem}
.gm-panel svg{display:block;width:100%;border-radius:8px;background:var(--gm-panel);
  box-shadow:0 0 0 1px var(--gm-edge)}
.gm-head{display:flex;flex-wrap:wrap;justify-content:space-between;align-items:center;
  gap:.3rem .6rem;margin-bottom:.35rem}
.gm-value{font-variant-numeric:tabular-nums;white-space:nowrap}
${painted}
.gm-plane>img{position:absolute;inset:0;width:100%;height:100%;border-radius:8px;
  image-rendering:pixelated;visibility:hidden}
.gm-plane svg{position:relative}
.gm-pictured>img{visibility:visible}
.gm-pictured :is(.gm-grid,.gm-dots){display:none}
.gm-handle{position:absolute;width:44px;height:44px;margin:-22px 0 0 -22px;
  border-radius:50%;cursor:grab;touch-action:none;outline:none}
.gm-handle:active{cursor:grabbing}
.gm-handle::before{content:"";position:absolute;inset:11px;border-radius:50%;
  border:3px solid var(--gm-ink);box-shadow:0 0 0 2px var(--gm-panel),
  inset 0 0 0 1.5px var(--gm-panel)}
.gm-handle:focus-visible::before{outline:3px solid var(--gm-focus);outline-offset:3px}
.gm-side canvas{display:block;width:100%;image-rendering:pixelated;border-radius:8px;
  box-shadow:0 0 0 1px var(--gm-edge)}
.gm-where{margin-top:.7rem;text-align:center;font-variant-numeric:tabular-nums;
  font-size:1.05em;white-space:nowrap}
.gm-near{text-align:center;color:var(--gm-soft);font-size:.9em}
.gm-dot{display:inline-block;width:.7em;height:.7em;border-radius:50%;margin-right:.35em}
.gm-buttons{display:flex;justify-content:center;gap:.5rem;margin-top:.7rem}
.gm-live button{font:inherit;font-size:.9em;color:inherit;background:none;cursor:pointer;
  border:1px solid var(--gm-edge);border-radius:6px;padding:.2rem .8rem;min-height:28px}
.gm-live button:hover{border-color:var(--gm-soft)}
.gm-live button:focus-visible{outline:3px solid var(--gm-focus);outline-offset:2px}
.gm-buttons button{min-width:5.5em}
.gm-live button[aria-pressed=true]{border-color:var(--gm-ink)}
.gm-legend{display:flex;flex-wrap:wrap;justify-content:center;gap:.15rem .1rem;margin-top:.5rem}
.gm-legend button{border-color:transparent;padding:.1rem .25rem}
.gm-help{color:var(--gm-soft);font-size:.85em;margin-top:.7rem}
.gm-spoken{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);
  white-space:nowrap}
@container (max-width:540px){
  .gm-row{flex-direction:column;align-items:stretch;gap:.9rem}
  .gm-left,.gm-side{flex:none}
  .gm-side:not(.gm-below){order:-1}
  .gm-side canvas{width:min(60%,240px);margin:0 auto}
}
@media print{.gm-alive .gm-still{display:block}.gm-body{display:none}}
`;
  const sheet = document.getElementById("gm-live-style")
    || document.head.appendChild(el("style", { id: "gm-live-style" }));
  sheet.textContent = style;
})("GM_VERSION");
