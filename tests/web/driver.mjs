// Drives Chromium for test_*.py: a command a line on standard input, {"do": …}, and an answer a line on standard
// output, {"value": …} or {"error": …}. What pages complain of and whom they ask is remembered for `report`.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

import { chromium } from "playwright-core";

const FLAGS = [
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const WAIT_MS = 40_000;
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  headless: true,
  chromiumSandbox: false,
  args: FLAGS,
});
let context;
let page;
let measures; // of the page: width, height, scheme
let complaints;
let asked;
const hosts = new Set(); // that any page has asked

const commands = {
  /** As if nobody had ever been there. The page that is open serves again where it has these measures. */
  async open({ url, width = 1280, height = 900, scheme = "light" }) {
    const wanted = JSON.stringify([width, height, scheme]);
    if (page && wanted === measures) {
      const forget = () => [localStorage, sessionStorage].forEach((each) => each.clear());
      await page.evaluate(forget).catch(() => undefined); // a page that did not come has none
      await page.goto("about:blank");
    } else {
      await context?.close();
      context = await browser.newContext({
        viewport: { width, height },
        colorScheme: scheme,
      });
      page = await context.newPage();
      measures = wanted;
      page.setDefaultTimeout(WAIT_MS);
      page.on("console", (message) => {
        if (["error", "warning"].includes(message.type()))
          complaints.push(`${message.text()} (${message.location().url})`);
      });
      page.on("pageerror", (error) => complaints.push(String(error)));
      page.on("request", (request) => {
        asked.push(request.url());
        hosts.add(new URL(request.url()).host);
      });
    }
    complaints = [];
    asked = [];
    await page.goto(url);
  },
  go: ({ url }) => page.goto(url),
  reload: () => page.reload(),
  text: ({ at }) => page.locator(at).first().innerText(),
  texts: ({ at }) => page.locator(at).allInnerTexts(),
  attribute: ({ at, name }) => page.locator(at).first().getAttribute(name),
  click: ({ at }) => page.locator(at).first().click(),
  fill: ({ at, text }) => page.locator(at).first().fill(text),
  choose: ({ at, value }) => page.locator(at).first().selectOption(value),
  press: ({ key }) => page.keyboard.press(key),
  focused: () => page.evaluate(() => document.activeElement?.outerHTML.slice(0, 200)),
  value: ({ script }) => page.evaluate(script),
  async see({ at, text, timeout = WAIT_MS }) {
    const found = page.locator(at, text === undefined ? {} : { hasText: text }).first();
    await found.waitFor({ timeout });
    return found.innerText();
  },
  async axe() {
    await page.evaluate(AXE); // by the debugger's way in: the page's own policy allows no such script
    const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
    return violations.map(({ id, impact, nodes }) => ({
      id,
      impact,
      nodes: nodes.map((node) => node.html.slice(0, 300)),
    }));
  },
  picture: ({ path }) => page.screenshot({ path, fullPage: true }),
  report: () => ({ complaints, asked, hosts: [...hosts] }),
};

for await (const line of createInterface({ input: process.stdin })) {
  let answer;
  try {
    const { do: name, ...rest } = JSON.parse(line);
    answer = { value: (await commands[name](rest)) ?? null };
  } catch (error) {
    answer = { error: String(error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await browser.close();
