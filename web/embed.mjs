// embed.mjs DIST OUT: writes the files of DIST as two sources to OUT: dashboard_files.S has their bytes, once as they
// are and once compressed, and dashboard_files.cpp the table that src/http/asset.hpp declares.
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { extname, join, resolve } from "node:path";
import { gzipSync } from "node:zlib";

const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
};

const [dist, out] = process.argv.slice(2).map((path) => resolve(path));
const bytesFolder = join(out, "gzip");
mkdirSync(bytesFolder, { recursive: true });

const files = readdirSync(dist, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(dist.length))
  .sort();

const assembly = ['  .section .note.GNU-stack,"",%progbits', "  .section .rodata"];
const declarations = [];
const rows = [];
files.forEach((name, number) => {
  const type = TYPES[extname(name)];
  if (type === undefined) throw new Error(`${name}: of what media type is it?`);
  const plain = readFileSync(join(dist, name));
  const tag = createHash("sha256").update(plain).digest("hex").slice(0, 32);
  const compressed = join(bytesFolder, `${number}.gz`);
  writeFileSync(compressed, gzipSync(plain, { level: 9 }));
  const spans = [
    ["plain", join(dist, name)],
    ["gzip", compressed],
  ].map(([form, path]) => {
    const symbol = `forebay_dashboard_${number}_${form}`;
    assembly.push(
      `  // ${tag}`,
      `  .global ${symbol}, ${symbol}_end`,
      `${symbol}:`,
      `  .incbin "${path}"`,
      `${symbol}_end:`,
    );
    declarations.push(`extern const char ${symbol}[], ${symbol}_end[];`);
    return `{${symbol}, ${symbol}_end}`;
  });
  const path = name === "/index.html" ? "/" : name;
  const isHashed = name.startsWith("/assets/");
  rows.push(`    {"${path}", "${type}", "\\"${tag}\\"", ${spans.join(", ")}, ${isHashed}},`);
});

writeFileSync(join(out, "dashboard_files.S"), `${assembly.join("\n")}\n`);
writeFileSync(
  join(out, "dashboard_files.cpp"),
  `#include "http/asset.hpp"

extern "C" {
${declarations.join("\n")}
}

namespace forebay::http {

std::span<const Asset> assets() {
  static const Asset all[] = {
${rows.join("\n")}
  };
  return all;
}

}  // namespace forebay::http
`,
);
