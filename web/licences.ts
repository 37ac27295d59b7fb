import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Plugin } from "vite";

interface Package {
  name: string;
  version: string;
  license: string;
  text: string;
}

/** The package that a file of node_modules belongs to. */
function packageOf(file: string): Package | undefined {
  for (let folder = dirname(file); folder.includes("node_modules"); folder = dirname(folder)) {
    const about = join(folder, "package.json");
    if (!existsSync(about)) continue;
    const { name, version, license } = JSON.parse(readFileSync(about, "utf8")) as Package;
    if (!name || !version) continue; // a folder inside a package
    const found = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
    if (found === undefined) throw new Error(`${name} has no file with its licence`);
    return { name, version, license, text: readFileSync(join(folder, found), "utf8").trim() };
  }
  return undefined;
}

/** Writes licences.txt: of every package that any of the bundle comes from, and of no other. */
export function licences(): Plugin {
  return {
    name: "forebay-licences",
    apply: "build",
    generateBundle() {
      const packages = new Map<string, Package>();
      for (const id of this.getModuleIds()) {
        const found = packageOf(id.replace(/^\0/, "").split("?")[0] ?? id);
        if (found) packages.set(found.name, found);
      }
      const parts = [...packages.values()]
        .sort((one, other) => one.name.localeCompare(other.name))
        .map(({ name, version, license, text }) => `${name} ${version} (${license})\n\n${text}\n`);
      const source = ["What the dashboard of Forebay has from others.\n", ...parts].join(`\n${"-".repeat(72)}\n\n`);
      this.emitFile({ type: "asset", fileName: "licences.txt", source });
    },
  };
}
