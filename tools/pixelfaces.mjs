// Draws faces from their attributes: one JSON object per line in, 768 bytes (16x16
// RGB) per face out. Run by embed.py in a folder where these are installed:
//   npm install @dicebear/core@9.4.3 @dicebear/pixel-art@9.4.3 @resvg/resvg-js@2.6.2
import { readFileSync, writeSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

// Packages are looked up from the working folder, not from this file's.
const require = createRequire(`${process.cwd()}/`);
const load = (name) => import(pathToFileURL(`${process.cwd()}/node_modules/${name}`));
const { createAvatar } = await load("@dicebear/core/lib/index.js");
const style = await load("@dicebear/pixel-art/lib/index.js");
const { Resvg } = require("@resvg/resvg-js");

function options(face) {
  const given = {};
  for (const [key, value] of Object.entries(face)) {
    if (key === "primaryBackgroundColor") given.backgroundColor = [value.slice(1)];
    else if (key.endsWith("Color")) given[key] = [value.slice(1)];
    else {
      // A part that may be absent has a probability; the others ignore it.
      given[`${key}Probability`] = value === "None" ? 0 : 100;
      if (value !== "None") given[key] = [value];
    }
  }
  return given;
}

for (const line of readFileSync(0, "utf8").split("\n").filter(Boolean)) {
  const svg = createAvatar(style, options(JSON.parse(line))).toString();
  const rgba = new Resvg(svg, { fitTo: { mode: "width", value: 16 } }).render().pixels;
  const rgb = Buffer.alloc(768);
  for (let i = 0; i < 256; i++) rgba.copy(rgb, 3 * i, 4 * i, 4 * i + 3);
  for (let done = 0; done < 768; ) done += writeSync(1, rgb, done);
}
