import assert from "node:assert/strict";
import { test } from "node:test";
import type { Caller } from "../../../src/access/principal.ts";
import { Collection, type Reading } from "../../../src/server/kubernetes/collection.ts";
import { type Namespace, namespaceResource } from "../../../src/server/kubernetes/namespace-resource.ts";
import { FakeClock } from "../../fixtures/clock.ts";

const caller: Caller = {
  principal: { subject: "user:test", groups: [], credential: "token", expiresAt: undefined },
  from: "127.0.0.1",
  reason: undefined,
};

/** Namespaces that are read when the test says so, and are then what was there when it was asked. */
function create(...there: string[]) {
  const answers: (() => void)[] = [];
  const read = (): Promise<Reading<Namespace>> => {
    const items = there.map((name) => ({ name, targets: undefined }));
    return new Promise((resolve) => answers.push(() => resolve({ items, silent: [], isCovered: () => true })));
  };
  const collection = new Collection(namespaceResource, { read, seenBy: (_caller, item) => item }, new FakeClock());
  const answer = (index: number): void => answers[index]?.();
  const set = (...names: string[]): void => void there.splice(0, there.length, ...names);
  return { collection, answer, set };
}

const namesOf = ({ items }: { readonly items: readonly Namespace[] }) => items.map(({ name }) => name);

test("a look that takes long overrules nothing that a later one has seen", async () => {
  const { collection, answer, set } = create("stays", "goes");
  const first = collection.list(caller);
  answer(0);
  const { revision } = await first;
  const long = collection.list(caller);
  set("stays", "comes");
  const short = collection.list(caller);
  answer(2);
  assert.deepEqual(namesOf(await short), ["comes", "stays"]);
  answer(1);
  const late = await long;
  assert.deepEqual(namesOf(late), ["comes", "stays"], "what is listed is what there is in the revision that is told with it");
  assert.deepEqual(
    collection.changes(caller, revision)?.map(({ type, item }) => `${type} ${item.name}`),
    ["DELETED goes", "ADDED comes"],
  );
  assert.deepEqual(collection.changes(caller, late.revision), []);
});
