import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ExecgateError } from "../../../src/errors.ts";
import { parseFieldSelector, parseLabelSelector } from "../../../src/server/kubernetes/selectors.ts";

const labels = { app: "web", "execgate/runtime": "docker", empty: "" };

describe("labelSelector", () => {
  for (const [text, isSelected] of [
    ["", true],
    ["app=web", true],
    ["app==web", true],
    ["app=db", false],
    ["app!=db", true],
    ["app!=web", false],
    ["missing!=x", true],
    ["app in (db, web)", true],
    ["app in (db)", false],
    ["app notin (db,mail)", true],
    ["app notin (web)", false],
    ["missing notin (web)", true],
    ["missing in (web)", false],
    ["app", true],
    ["!app", false],
    ["!missing", true],
    ["app=web,execgate/runtime=docker", true],
    ["app=web,!empty", false],
    ["app in (a,web),empty=", true],
    ["toString", false],
    ["!constructor", true],
  ] as const) {
    test(JSON.stringify(text), () => assert.equal(parseLabelSelector(text)(labels), isSelected));
  }

  test("what is none is refused by name", () => {
    for (const text of ["=", "a in", "a in (", "a=b c", "a=b,,c", "(a)", "a>1", "ä=1"]) {
      assert.throws(
        () => parseLabelSelector(text),
        (cause) => cause instanceof ExecgateError && cause.details.field === "labelSelector",
        text,
      );
    }
  });
});

describe("fieldSelector", () => {
  const fields = { "metadata.name": "web", "status.phase": "Running" };
  const known = Object.keys(fields);
  for (const [text, isSelected] of [
    [undefined, true],
    ["metadata.name=web", true],
    ["metadata.name==db", false],
    ["metadata.name!=db,status.phase=Running", true],
    ["status.phase!=Running", false],
  ] as const) {
    test(String(text), () => assert.equal(parseFieldSelector(text, known)(fields), isSelected));
  }

  test("what cannot be selected by is refused by name", () => {
    for (const text of ["spec.nodeName=a", "metadata.name", "=a"]) {
      assert.throws(
        () => parseFieldSelector(text, known),
        (cause) => cause instanceof ExecgateError && cause.details.field === "fieldSelector",
        text,
      );
    }
  });
});
