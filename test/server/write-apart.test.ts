import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { describe, test } from "node:test";
import { connect, createServer, type TLSSocket } from "node:tls";
import { writeApart } from "../../src/server/write-apart.ts";
import { makeAuthority, makeLeaf } from "../fixtures/certificates.ts";

/** What a client reads, record by record, of three messages that are written at once. */
async function recordsOf(prepare: (socket: TLSSocket) => void): Promise<string[]> {
  const authority = await makeAuthority("servers");
  const leaf = await makeLeaf(authority, { use: "serverAuth", names: [{ type: 7, ip: "127.0.0.1" }] });
  const server = createServer({ key: leaf.key, cert: leaf.cert }, (socket) => {
    prepare(socket);
    for (const message of ["one", "two", "three"]) socket.write(message);
    socket.end();
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const records: string[] = [];
  const client = connect({ port: (server.address() as AddressInfo).port, host: "127.0.0.1", ca: authority.cert });
  // Node reads one record at a time.
  client.on("data", (bytes) => records.push(bytes.toString()));
  await once(client, "close");
  server.close();
  return records;
}

describe("messages over TLS", () => {
  test("those that wait for one before them share a record", async () => {
    const records = await recordsOf(() => undefined);
    assert.equal(records.join(""), "onetwothree");
    assert.ok(records.length < 3);
  });

  test("written apart, each has a record of its own", async () => {
    assert.deepEqual(await recordsOf(writeApart), ["one", "two", "three"]);
  });
});
