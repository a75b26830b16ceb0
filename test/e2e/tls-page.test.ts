import assert from "node:assert/strict";
import { test } from "node:test";
import { openGateway, testToken } from "../fixtures/gateway.ts";
import { launchChromium, openTab, withoutChromium as skip } from "./browser.ts";
import { untilState } from "./terminal-page.ts";

test("the page works over TLS as it does without, and keeps its token out of every address", { skip, timeout: 60_000 }, async (t) => {
  await using served = await openGateway({}, { listen: ["https://127.0.0.1:0"] });
  const browser = await launchChromium();
  t.after(() => browser.close());
  await using tab = await openTab(browser, `${served.url}/#token=${testToken}`, { ignoreHTTPSErrors: true });
  await untilState(tab.page, "connected");
  assert.ok(tab.requests.some((address) => address.startsWith("wss:") && address.endsWith("/v1/exec")));
  assert.deepEqual(
    tab.requests.filter((address) => address.includes(testToken) || address.includes("ticket.")),
    [],
  );
  assert.deepEqual(tab.complaints, []);
});
