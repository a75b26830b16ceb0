import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, test } from "node:test";
import { packageDir } from "../../src/version.ts";
import { launchChromium, openTab, withoutChromium } from "../e2e/browser.ts";
import { typeLine, untilShown, untilState } from "../e2e/terminal-page.ts";
import { makeAuthority, makeLeaf } from "../fixtures/certificates.ts";
import { startDaemon } from "../fixtures/daemon.ts";
import { dial, refusalOf } from "../fixtures/exec-client.ts";
import { freePort } from "../fixtures/free-port.ts";
import { createRequester, type ExecAnswer, openGateway, type TestGateway, testToken } from "../fixtures/gateway.ts";
import { assertProblem } from "../fixtures/http-answer.ts";
import { skipWithout } from "../fixtures/require.ts";
import { until } from "../fixtures/until.ts";

interface Proxied extends AsyncDisposable {
  readonly served: TestGateway;
  /** Where the proxy has it, without and with TLS; each ends in the base path and no slash. */
  readonly plain: string;
  readonly secure: string;
}

/** What a proxy is started with: two ports of its own, and that of the gateway. */
interface Ports {
  readonly plain: number;
  readonly secure: number;
  readonly gateway: string;
}

type StartProxy = (dir: string, ports: Ports) => Promise<readonly string[]>;

const read = (name: string): Promise<string> => readFile(new URL(`deploy/${name}`, packageDir), "utf8");

/** Puts other words where `text` has these, which must be there. */
function replaced(text: string, pairs: Readonly<Record<string, string>>): string {
  return Object.entries(pairs).reduce((all, [from, to]) => {
    assert.ok(all.includes(from), `${from} is not there`);
    return all.replace(from, to);
  }, text);
}

async function writePair(dir: string): Promise<void> {
  const leaf = await makeLeaf(await makeAuthority("proxy"), { use: "serverAuth", names: [{ type: 2, value: "localhost" }] });
  await writeFile(join(dir, "tls.crt"), leaf.cert);
  await writeFile(join(dir, "tls.key"), leaf.key);
}

const startNginx: StartProxy = async (dir, { plain, secure, gateway }) => {
  const site = replaced(await read("nginx/execgate.conf"), {
    "listen 443 ssl;": `listen 127.0.0.1:${plain}; listen 127.0.0.1:${secure} ssl;`,
    "server_name exec.example.com;": "server_name localhost;",
    "/etc/nginx/tls/exec.example.com.crt": `${dir}/tls.crt`,
    "/etc/nginx/tls/exec.example.com.key": `${dir}/tls.key`,
    "server 127.0.0.1:8080;": `server ${gateway};`,
    // So that an idle session shows within a test that it is kept alive.
    "proxy_read_timeout 1h;": "proxy_read_timeout 1s;",
  });
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((kind) => `${kind}_temp_path ${dir}/${kind};`).join(" ");
  const http = `access_log off; ${temporary} ${site}`;
  await writeFile(join(dir, "nginx.conf"), `daemon off; pid ${dir}/pid; error_log stderr warn; events {} http { ${http} }`);
  return ["/usr/sbin/nginx", "-c", join(dir, "nginx.conf"), "-p", dir];
};

const startCaddy: StartProxy = async (dir, { plain, secure, gateway }) => {
  const file = await read("caddy/Caddyfile");
  const pair = `tls ${dir}/tls.crt ${dir}/tls.key`;
  const siteAt = (address: string): string =>
    replaced(file, {
      "exec.example.com {": `${address} {\n${address.startsWith("https") ? pair : ""}`,
      "127.0.0.1:8080 {": `${gateway} {`,
    });
  await writeFile(
    join(dir, "Caddyfile"),
    `{\n\tadmin off\n\tauto_https off\n}\n${siteAt(`http://localhost:${plain}`)}${siteAt(`https://localhost:${secure}`)}`,
  );
  return ["/usr/bin/caddy", "run", "--config", join(dir, "Caddyfile")];
};

/** A gateway behind a proxy that has it at /shell/. */
async function behind(start: StartProxy): Promise<Proxied> {
  const dir = await mkdtemp(join(tmpdir(), "execgate-proxy-"));
  const [plain, secure] = [await freePort(), await freePort()];
  const urls = { plain: `http://localhost:${plain}/shell`, secure: `https://localhost:${secure}/shell` };
  const probes = { well: { target: "host", command: ["true"], public: true }, ill: { target: "host", command: ["false"], public: true } };
  const served = await openGateway({
    publicUrls: Object.values(urls),
    behindProxy: true,
    limits: { heartbeatMs: 300 },
    probes,
  });
  await writePair(dir);
  const command = await start(dir, { plain, secure, gateway: new URL(served.url).host });
  const proxy = await startDaemon(command, `${urls.plain}/healthz`, { HOME: dir });
  return {
    ...urls,
    served,
    async [Symbol.asyncDispose]() {
      await proxy.stop();
      await served[Symbol.asyncDispose]();
      await rm(dir, { recursive: true });
    },
  };
}

for (const [name, program, start] of [
  ["nginx", "/usr/sbin/nginx", startNginx],
  ["caddy", "/usr/bin/caddy", startCaddy],
] as const) {
  const skip = skipWithout(name, existsSync(program));

  describe(`a gateway behind ${name}, at a path of its own`, { skip }, () => {
    it("answers, streams and says where its sessions are", async () => {
      await using proxied = await behind(start);
      const { plain } = proxied;
      const request = createRequester(plain);
      const post = (body: object, headers = {}) => request("/shell/v1/exec", { method: "POST", body, headers });
      assert.equal(((await post({ command: ["echo", "hi"] })).json as ExecAnswer).stdout.data, "hi\n");
      const later = await post({ command: ["sleep", "0.01"] }, { prefer: "respond-async" });
      assert.match(String(later.headers.location), /^\/shell\/v1\/sessions\/\w+$/);
      await until("its result", async () => (await request(`${later.headers.location}/result`)).status === 200);
      const created = await request("/shell/v1/sessions", { method: "POST", body: { command: ["cat"], stdin: true, keepMs: 9000 } });
      const location = String(created.headers.location);
      const shared = (await request(`${location}/shares`, { method: "POST", body: {} })).json as { url: string };
      assert.ok(shared.url.startsWith(`${plain}/#share=`), shared.url);
      using client = await dial(new URL(`${location}/attach`, plain).href, { headers: { origin: new URL(plain).origin } });
      await client.control("attached");
      client.stdin("one\n");
      await client.untilStdout("one\n");
      // Past the proxy's patience, which the gateway's pings renew.
      await new Promise((resolve) => setTimeout(resolve, 1500));
      client.stdin("two\n");
      await client.untilStdout("two\n");
      const { status } = await request("/shell", { headers: { authorization: undefined } });
      assert.ok([301, 302, 308].includes(status), "the page's address ends in a slash");
    });

    it("tells health checks what they ask, and knows where its callers are", async () => {
      await using proxied = await behind(start);
      const request = createRequester(proxied.plain);
      const anonymous = { headers: { authorization: undefined } };
      assert.equal((await request("/shell/v1/probes/well", anonymous)).status, 200);
      assert.equal((await request("/shell/v1/probes/ill", anonymous)).status, 503);
      assertProblem(await request("/shell/v1/exec", { method: "POST", body: { command: ["id"] }, ...anonymous }), 401, "UNAUTHENTICATED");
      const foreign = await refusalOf(`${proxied.plain}/v1/exec?command=id`, { headers: { origin: "https://evil.example" } });
      assertProblem(foreign, 403, "FORBIDDEN");
      // A caller's own word of where it comes from stands before the proxy's, and is not believed.
      const wrong = (i: number) =>
        request("/shell/v1/info", { headers: { authorization: "Bearer wrong", "x-forwarded-for": `192.0.2.${i}` } });
      let guess = await wrong(0);
      // localhost is two addresses, each of which has its ten.
      for (let i = 1; i < 25 && guess.status !== 429; i++) guess = await wrong(i);
      assertProblem(guess, 429, "TOO_MANY_REQUESTS");
    });
  });

  test(`the page works behind ${name}, over TLS and below its path`, { skip: skip || withoutChromium, timeout: 60_000 }, async (t) => {
    await using proxied = await behind(start);
    const browser = await launchChromium();
    t.after(() => browser.close());
    await using tab = await openTab(browser, `${proxied.secure}/#token=${testToken}`, { ignoreHTTPSErrors: true });
    await untilState(tab.page, "connected");
    await typeLine(tab.page, "echo be'yond'");
    await untilShown(tab.page, /^beyond/);
    assert.deepEqual(
      tab.requests.filter((address) => !new URL(address).pathname.startsWith("/shell/")),
      [],
    );
    assert.deepEqual(tab.complaints, []);
  });
}
