import assert from "node:assert/strict";
import { beforeEach, mock, type TestContext, test } from "node:test";
import { type Api, Refusal } from "../../src/web/api.ts";
import { OverviewReader } from "../../src/web/overview-reader.ts";
import { homeTab, type SessionRow, type State } from "../../src/web/page-state.ts";
import { createStore } from "../../src/web/store.ts";

/** Of the browser's document what the reader looks at. */
const page = { visibilityState: "visible", addEventListener: () => undefined };
beforeEach(() => void Object.assign(globalThis, { document: page }));

const emptyLists = { sessions: [], recordings: [], targets: [], probes: [] };

/** The reader before a gateway that answers each path so; what was asked for is noted. */
function read(answer: (path: string) => Promise<object> | object) {
  const asked: string[] = [];
  const store = createStore({ active: "", trouble: undefined, samples: [] } as unknown as State);
  const get = async (path: string) => {
    asked.push(path);
    return await answer(path);
  };
  const api = { get, text: async () => "" } as unknown as Api;
  return { asked, store, reader: new OverviewReader(store, api) };
}

const session = (id: string): SessionRow => ({ id, mode: "interactive", state: "running" }) as SessionRow;

test("of more sessions than a page holds the newest are shown", async () => {
  const { store, reader } = read((path) => {
    if (path === "v1/sessions?limit=1000") return { sessions: [session("1"), session("2")], continue: "2" };
    if (path === "v1/sessions?limit=1000&continue=2") return { sessions: [session("3")] };
    return emptyLists;
  });
  await reader.refresh();
  assert.deepEqual(
    store.state.sessions?.map(({ id }) => id),
    ["3", "2", "1"],
  );
});

test("what a slow network has not answered is not asked for again", async (t: TestContext) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let answerAll = (): void => undefined;
  const answered = new Promise<object>((resolve) => {
    answerAll = () => resolve(emptyLists);
  });
  const { asked, store } = read(() => answered);
  store.update(() => ({ active: homeTab }));
  store.flush();
  const first = asked.length;
  t.mock.timers.tick(60_000);
  assert.equal(asked.length, first);
  answerAll();
  await new Promise((resolve) => setImmediate(resolve));
  t.mock.timers.tick(2000);
  assert.equal(asked.length, 2 * first);
  // An overview that is left and shown again is read by one reader.
  for (const active of ["", homeTab]) {
    store.update(() => ({ active }));
    store.flush();
  }
  await new Promise((resolve) => setImmediate(resolve));
  t.mock.timers.tick(2000);
  assert.equal(asked.length, 4 * first);
});

test("runtimes that cannot be asked are kept with the targets, and trouble is told until it is over", async () => {
  const answer = mock.fn((path: string): object => (path.startsWith("v1/targets") ? { targets: [], unavailable: ["docker"] } : emptyLists));
  const { store, reader } = read(answer);
  await reader.refresh();
  assert.deepEqual(store.state.unavailable, ["docker"]);
  answer.mock.mockImplementationOnce(() => {
    throw new Refusal(0, "UNREACHABLE", "the gateway cannot be reached");
  });
  await reader.refresh();
  assert.equal(store.state.trouble, "the gateway cannot be reached");
  await reader.refresh();
  assert.equal(store.state.trouble, undefined);
});
