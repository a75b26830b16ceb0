import { after, before } from "node:test";
import type { Browser, BrowserContextOptions } from "playwright-core";
import { openGateway, type TestGateway, testToken } from "../fixtures/gateway.ts";
import { launchChromium, openTab, type Tab, withoutChromium } from "./browser.ts";

/** A gateway and a browser for all tests of a file; each opens tabs of its own. */
export interface SharedPage {
  readonly gateway: TestGateway;
  readonly browser: Browser;
  /** The page's address, with the owner's token. */
  readonly url: string;
  /** The page in a tab with no past. @param fragment goes on behind the token, such as `&target=host` */
  open(options?: BrowserContextOptions, fragment?: string): Promise<Tab>;
}

/** To be called once, outside of tests. @param settings what would stand in the gateway's configuration file */
export function sharePage(settings: object = {}): SharedPage {
  let gateway: TestGateway;
  let browser: Browser;
  before(async () => {
    if (withoutChromium !== false) return;
    [gateway, browser] = await Promise.all([openGateway(settings), launchChromium()]);
  });
  after(async () => {
    await browser?.close();
    await gateway?.[Symbol.asyncDispose]();
  });
  const shared: SharedPage = {
    get gateway() {
      return gateway;
    },
    get browser() {
      return browser;
    },
    get url() {
      return `${gateway.url}/#token=${testToken}`;
    },
    open: (options, fragment = "") => openTab(browser, shared.url + fragment, options),
  };
  return shared;
}
