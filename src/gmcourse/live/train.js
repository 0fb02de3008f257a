// Training in the page: what a figure that trains a network includes beside runtime.js.
// Reverse mode through the layers of GM.net, Adam, and normal draws.  Batches are typed
// arrays, example after example, of the weights' own kind (Float32Array, or Float64Array
// where more digits are wanted); sums are made in double precision.
GM.train = (function () {
  "use strict";

  // Name: the function, and its slope from the input x and the output y.
  const sigmoid = (x) => 1 / (1 + Math.exp(-x));
  const pointwise = {
    relu: [(x) => (x > 0 ? x : 0), (x) => (x > 0 ? 1 : 0)],
    leaky_relu: [(x, low) => (x > 0 ? x : low * x), (x, y, low) => (x > 0 ? 1 : low)],
    tanh: [Math.tanh, (x, y) => 1 - y * y],
    sigmoid: [sigmoid, (x, y) => y * (1 - y)],
    silu: [(x) => x * sigmoid(x), function (x, y) {
      const s = sigmoid(x);
      return s + y * (1 - s);
    }],
  };

  function activation([f, slope], argument) {
    return {
      forward(x, y) {
        for (let i = 0; i < x.length; i++) y[i] = f(x[i], argument);
      },
      backward(x, y, dy, dx) {
        for (let i = 0; i < x.length; i++) dx[i] = dy[i] * slope(x[i], y[i], argument);
      },
    };
  }

  // c = a b' (+ bias): a is n rows of d, b is m rows of d, c is n rows of m.  All that a
  // linear layer does, three times.  Four rows at a time: four sums that do not wait for
  // each other, and each number of b is read once for all of them.
  function product(a, b, c, d, bias) {
    const n = a.length / d, m = b.length / d;
    let r = 0;
    for (; r + 3 < n; r += 4) {
      const a0 = r * d, a1 = a0 + d, a2 = a1 + d, a3 = a2 + d;
      for (let j = 0, at = 0; j < m; j++) {
        let s0 = bias ? bias[j] : 0, s1 = s0, s2 = s0, s3 = s0;
        for (let i = 0; i < d; i++, at++) {
          const v = b[at];
          s0 += v * a[a0 + i]; s1 += v * a[a1 + i]; s2 += v * a[a2 + i]; s3 += v * a[a3 + i];
        }
        const to = r * m + j;
        c[to] = s0; c[to + m] = s1; c[to + 2 * m] = s2; c[to + 3 * m] = s3;
      }
    }
    for (; r < n; r++) {
      for (let j = 0; j < m; j++) {
        let sum = bias ? bias[j] : 0;
        for (let i = 0; i < d; i++) sum += b[j * d + i] * a[r * d + i];
        c[r * m + j] = sum;
      }
    }
  }

  function transposed(a, d) { // n rows of d to d rows of n
    const n = a.length / d, out = new a.constructor(a.length);
    for (let r = 0, at = 0; r < n; r++) {
      for (let i = 0; i < d; i++, at++) out[i * n + r] = a[at];
    }
    return out;
  }

  function linear(d, k, weight, bias, d_weight, d_bias) { // weight: k rows of d
    return {
      forward(x, y) {
        product(x, weight, y, d, bias);
      },
      backward(x, y, dy, dx, learns) {
        product(dy, transposed(weight, d), dx, k);
        if (!learns) return;
        const n = x.length / d, columns = transposed(dy, k);
        product(columns, transposed(x, d), d_weight, n);
        for (let j = 0; j < k; j++) {
          let sum = 0;
          for (let r = 0; r < n; r++) sum += columns[j * n + r];
          d_bias[j] = sum;
        }
      },
    };
  }

  // The network of GM.net with a way back.  spec and weights are those of GM.net, and the
  // weights are used as they are: who changes them changes the network.
  //   forward(x): the outputs of a batch; what every layer gave is kept.
  //   backward(dy): from the gradient in these outputs, the gradient in the inputs, and
  //     in `gradients` that in the weights (of this call alone).  With backward(dy, false)
  //     `gradients` stays as it is, which saves a third of the work.
  function mlp(spec, weights) {
    const Kind = weights.constructor, gradients = new Kind(weights.length);
    let used = 0, width = null, kept = [];
    function take(n) {
      used += n;
      return [weights, gradients].map((all) => all.subarray(used - n, used));
    }
    const layers = spec.map(function ([name, ...args]) {
      if (name in pointwise) return { ...activation(pointwise[name], args[0]), grows: 1 };
      if (name !== "linear") throw new RangeError(`no way back through a layer ${name}`);
      const [d, k] = args, [weight, d_weight] = take(k * d), [bias, d_bias] = take(k);
      width = width || d;
      return { ...linear(d, k, weight, bias, d_weight, d_bias), grows: k / d };
    });
    if (used !== weights.length) {
      throw new RangeError(`the layers use ${used} weights, given ${weights.length}`);
    }
    function forward(x) {
      if (x.length % width) throw new RangeError(`${x.length} numbers: not rows of ${width}`);
      kept = [x];
      for (const layer of layers) {
        const y = new Kind(Math.round(x.length * layer.grows));
        layer.forward(x, y);
        kept.push(x = y);
      }
      return x;
    }
    function backward(dy, learns = true) {
      if (dy.length !== kept[layers.length].length) {
        throw new RangeError(`${dy.length} gradients of ${kept[layers.length].length} outputs`);
      }
      for (let l = layers.length - 1; l >= 0; l--) {
        const dx = new Kind(kept[l].length);
        layers[l].backward(kept[l], kept[l + 1], dy, dx, learns);
        dy = dx;
      }
      return dy;
    }
    return { weights, gradients, forward, backward };
  }

  // Kingma & Ba (2015), algorithm 1.  `rate` may be changed between the steps.
  function adam(weights, { rate = 1e-3, betas = [0.9, 0.999], eps = 1e-8 } = {}) {
    const mean = new Float64Array(weights.length), square = new Float64Array(weights.length);
    let t = 0;
    function step(gradients) {
      t += 1;
      const [a, b] = betas, size = self.rate / (1 - a ** t), unbias = 1 / (1 - b ** t);
      for (let i = 0; i < weights.length; i++) {
        const g = gradients[i];
        mean[i] = a * mean[i] + (1 - a) * g;
        square[i] = b * square[i] + (1 - b) * g * g;
        weights[i] -= (size * mean[i]) / (Math.sqrt(square[i] * unbias) + eps);
      }
    }
    const self = { rate, step };
    return self;
  }

  // Standard normal draws, two by two (Box & Muller, 1958), from uniform draws in [0, 1).
  function normal(uniform) {
    let spare = null;
    return function () {
      if (spare !== null) {
        const x = spare;
        spare = null;
        return x;
      }
      const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
      const angle = 2 * Math.PI * uniform();
      spare = radius * Math.sin(angle);
      return radius * Math.cos(angle);
    };
  }

  // New weights as torch's Linear draws them: uniform within 1 / sqrt(inputs).
  function init(spec, weights, uniform) {
    let at = 0;
    for (const [name, d, k] of spec) {
      if (name !== "linear") continue;
      for (const end = at + (d + 1) * k; at < end; at++) {
        weights[at] = (2 * uniform() - 1) / Math.sqrt(d);
      }
    }
  }

  return { mlp, adam, normal, init };
})();
