import { defineConfig } from "vitest/config";

import { licences } from "./licences";

// FOREBAY is where `npm run dev` asks for figures: the address of a Forebay with --admin.
export default defineConfig({
  base: "/",
  esbuild: { jsx: "automatic", jsxImportSource: "preact", legalComments: "none" },
  plugins: [licences()],
  build: {
    target: "es2022",
    assetsInlineLimit: 0, // the policy for contents allows no data in place of files
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: { proxy: { "^/(api|health|metrics)": process.env.FOREBAY ?? "http://127.0.0.1:8080" } },
  test: { include: ["src/**/*.test.ts"] },
});
