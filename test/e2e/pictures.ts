/** `npm run pictures`: takes the README's pictures anew, of a gateway that is used, with containers in a dockerd of its own. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { ContainerDaemons } from "../fixtures/container-daemons.ts";
import { openGateway, type TestGateway, testToken } from "../fixtures/gateway.ts";
import { Line } from "../fixtures/line.ts";
import { launchChromium, openTab, type Tab } from "./browser.ts";
import { untilShown, untilState } from "./terminal-page.ts";

/** What the terminals show: a folder with a few files, and a script whose output has colours. */
const files = {
  "README.md": "# shop\n",
  Makefile: "check:\n\t./check\n",
  check: [
    "#!/bin/sh",
    "for part in catalogue basket payment 'payment with voucher' delivery invoices search accounts; do",
    "  sleep $PAUSE",
    `  printf '  \\033[32m✔\\033[0m %-24s \\033[2m%s ms\\033[0m\\n' "$part" "$((\${#part} * 7))"`,
    "done",
    `printf '  \\033[33m○\\033[0m %-24s \\033[2mskipped\\033[0m\\n' 'payment by card'`,
    `printf '\\n\\033[1;32m8 passed\\033[0m, \\033[33m1 skipped\\033[0m\\n'`,
    "",
  ].join("\n"),
  "server.conf": "listen 8443\nworkers 4\nlog /var/log/shop.log\n",
};
const prompt = String.raw`PAUSE=0.02 PS1='\[\e[1;36m\]shop\[\e[m\] \$ ' exec bash --norc`;
/** Long enough for the charts to have something to draw. */
const busyMs = 50_000;

async function takeAll(): Promise<void> {
  const folder = makeFolder();
  await using daemons = await ContainerDaemons.start();
  for (const [name, tier] of [
    ["web", "front"],
    ["api", "back"],
    ["db", "back"],
    ["queue", "back"],
  ] as const) {
    await daemons.container(name, "--label", `tier=${tier}`);
  }
  await using gateway = await openGateway({
    runtimes: { docker: { socket: daemons.dockerSocket } },
    recording: { mode: "bestEffort" },
    probes: {
      "db-ready": { target: "docker:db", command: ["true"], intervalMs: 5000 },
      "disk-space": { target: "host", command: ["true"], intervalMs: 5000 },
      "api-health": { target: "docker:api", command: ["true"], intervalMs: 5000 },
      "queue-length": { target: "docker:queue", command: ["false"], intervalMs: 5000 },
    },
  });
  const browser = await launchChromium();
  const scenes = new Scenes(browser, gateway, folder);
  try {
    await scenes.recording();
    await scenes.overview();
    await scenes.terminal();
    await scenes.share();
    await scenes.phone();
    await scenes.reconnecting();
  } finally {
    await browser.close();
    rmSync(folder, { recursive: true });
  }
}

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "shop-"));
  chmodSync(folder, 0o755);
  for (const name of ["assets", "src", "test"]) mkdirSync(join(folder, name));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  chmodSync(join(folder, "check"), 0o755);
  return folder;
}

class Scenes {
  readonly #browser: Browser;
  readonly #gateway: TestGateway;
  readonly #folder: string;

  constructor(browser: Browser, gateway: TestGateway, folder: string) {
    this.#browser = browser;
    this.#gateway = gateway;
    this.#folder = folder;
  }

  async terminal(): Promise<void> {
    await using tab = await this.#open({ colorScheme: "dark" });
    const { page } = tab;
    await this.#shell(page, "ls -l --color=always", "./check", "cat server.conf");
    await openContainer(page, "docker:web");
    await page.getByRole("button", { name: /^host, / }).click();
    await page.keyboard.press("Control+Shift+F");
    await page.keyboard.type("payment");
    await page.getByText(/of 3/).waitFor();
    await take(page, "page");
  }

  async overview(): Promise<void> {
    await using tab = await this.#open({ viewport: { width: 1000, height: 860 }, colorScheme: "light" });
    const { page } = tab;
    await untilState(page, "connected");
    await openContainer(page, "docker:db");
    await openContainer(page, "docker:web");
    await page.getByRole("button", { name: "Overview" }).click();
    const until = performance.now() + busyMs;
    for (let round = 0; performance.now() < until; round++) {
      const runs = Math.round(8 + 6 * Math.sin(round / 3));
      await Promise.all(Array.from({ length: runs }, (_, n) => this.#run(n % 9 === 0 && round % 4 === 0 ? "false" : "true")));
      await delay(900);
    }
    await take(page, "overview");
  }

  async recording(): Promise<void> {
    const command = ["sh", "-c", `cd ${this.#folder}; ls --color=always -l; echo; PAUSE=0.4 ./check`];
    await this.#gateway.exec({ command, tty: true, cols: 100, rows: 22 });
    await using tab = await this.#open({ colorScheme: "light" });
    const { page } = tab;
    await page.getByRole("button", { name: "Overview" }).click();
    await page.getByRole("button", { name: /^Play host, sh/ }).click();
    await untilShown(page, /delivery/);
    await page.getByRole("button", { name: "Pause" }).click();
    await take(page, "recording");
  }

  async share(): Promise<void> {
    await using tab = await this.#open({ colorScheme: "dark" });
    const { page } = tab;
    await this.#shell(page, "./check", "cat server.conf");
    await page.getByRole("button", { name: "Share" }).click();
    await page.getByRole("button", { name: "Link for 15 minutes" }).click();
    const link = await page.getByLabel("Link", { exact: true }).inputValue();
    await using guest = await openTab(this.#browser, link);
    await untilState(guest.page, "connected");
    await page.getByText("1 more attached").waitFor();
    await take(page, "share");
  }

  async phone(): Promise<void> {
    await using tab = await this.#open({ viewport: { width: 390, height: 700 }, isMobile: true, hasTouch: true, colorScheme: "dark" });
    await this.#shell(tab.page, "ls --color=always", "./check");
    await take(tab.page, "phone");
  }

  async reconnecting(): Promise<void> {
    await using line = await Line.open(this.#gateway.url);
    await using tab = await this.#open({ viewport: { width: 1000, height: 400 }, colorScheme: "dark" }, line.url);
    await this.#shell(tab.page, "./check");
    line.weather.isDown = true;
    line.cut();
    await untilState(tab.page, "reconnecting");
    await take(tab.page, "reconnecting");
    line.weather.isDown = false;
  }

  #run(program: string): Promise<unknown> {
    return this.#gateway.exec({ command: [program] });
  }

  async #open(options: BrowserContextOptions, url = this.#gateway.url): Promise<Tab> {
    const viewport = { width: 1000, height: 620 };
    return await openTab(this.#browser, `${url}/#token=${testToken}&target=host`, { viewport, deviceScaleFactor: 1.5, ...options });
  }

  /** A shell with a prompt of its own in the folder, in which these lines were entered. */
  async #shell(page: Page, ...lines: readonly string[]): Promise<void> {
    await untilState(page, "connected");
    for (const line of [`cd ${this.#folder}; clear; ${prompt}`, "clear", ...lines]) {
      await delay(400);
      await page.keyboard.type(line);
      await page.keyboard.press("Enter");
    }
    await delay(1000);
  }
}

/** Opens a container's shell in another tab. */
async function openContainer(page: Page, target: string): Promise<void> {
  await page.getByRole("button", { name: "Open a target" }).click();
  await page.getByRole("option", { name: target }).click();
  await untilState(page, "connected");
}

async function take(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: fileURLToPath(new URL(`../../../test/e2e/${name}.png`, import.meta.url)) });
}

await takeAll();
