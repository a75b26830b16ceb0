import assert from "node:assert/strict";
import { test } from "node:test";
import { type Ticket, Tickets } from "../../src/access/tickets.ts";
import { FakeClock } from "../fixtures/clock.ts";

const principal = { subject: "user:a", groups: [], credential: "token:a", expiresAt: undefined };
const page = "https://exec.example.com";
const ticket: Ticket<string> = { principal, origin: page, purpose: "this very request" };
const refusesIt = { name: "ExecgateError", code: "UNAUTHENTICATED" };

function createTickets(limits = { ticketsMax: 3, ticketBytesMax: 1000 }) {
  const clock = new FakeClock();
  return { clock, tickets: new Tickets<string>(clock, limits) };
}

test("a ticket has 256 bits, is for 30 s and is used once", async () => {
  const { clock, tickets } = createTickets();
  const { secret, expiresAt } = tickets.issue(ticket, 10);
  assert.match(secret, /^[A-Za-z0-9_-]{43}$/);
  assert.equal(expiresAt, clock.now() + 30_000);
  await clock.advance(29_999);
  assert.deepEqual(tickets.redeem(secret, page), ticket);
  assert.throws(() => tickets.redeem(secret, page), refusesIt);
});

test("a ticket that is not used is gone after 30 s, and leaves nothing behind", async () => {
  const { clock, tickets } = createTickets();
  const { secret } = tickets.issue(ticket, 10);
  await clock.advance(30_000);
  assert.deepEqual([tickets.size, clock.timers], [0, 0]);
  assert.throws(() => tickets.redeem(secret, page), refusesIt);
});

test("setting the clock neither ends nor prolongs it", async () => {
  const { clock, tickets } = createTickets();
  const { secret } = tickets.issue(ticket, 10);
  clock.wallMs += 86_400_000;
  assert.equal(tickets.redeem(secret, page).purpose, ticket.purpose);
  const late = tickets.issue(ticket, 10);
  clock.wallMs -= 2 * 86_400_000;
  await clock.advance(30_000);
  assert.throws(() => tickets.redeem(late.secret, page), refusesIt);
});

test("a page of another origin cannot use it, nor can anybody after that", () => {
  const { tickets } = createTickets();
  for (const origin of ["https://evil.example", "https://exec.example.com:443", undefined]) {
    const { secret } = tickets.issue(ticket, 10);
    assert.throws(() => tickets.redeem(secret, origin), refusesIt);
    assert.throws(() => tickets.redeem(secret, page), refusesIt);
  }
  const { secret } = tickets.issue({ ...ticket, origin: undefined }, 10);
  assert.throws(() => tickets.redeem(secret, page), refusesIt);
});

test("a full store gives no more out, and takes none back", () => {
  const { tickets } = createTickets();
  const first = tickets.issue(ticket, 10);
  tickets.issue(ticket, 10);
  tickets.issue(ticket, 10);
  assert.throws(() => tickets.issue(ticket, 10), { code: "OVERLOADED" });
  tickets.redeem(first.secret, page);
  tickets.issue(ticket, 10);
  const { tickets: small } = createTickets();
  small.issue(ticket, 991);
  assert.throws(() => small.issue(ticket, 10), { code: "OVERLOADED" });
  small.issue(ticket, 9);
});

test("closing forgets all of them and their timers", () => {
  const { clock, tickets } = createTickets();
  tickets.issue(ticket, 10);
  tickets.issue(ticket, 10);
  tickets.close();
  assert.deepEqual([tickets.size, clock.timers], [0, 0]);
});
