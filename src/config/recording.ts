import { Type } from "../typebox.ts";
import { count, path, section } from "./fields.ts";

/** `recording`: whether what sessions show is written down, and where. */
export const recordingSchema = section({
  dir: Type.Optional(path()),
  mode: Type.Enum(["off", "bestEffort", "strict"], { default: "off", expected: "off, bestEffort or strict" }),
  bytesMax: count(268_435_456, 4096),
  keepDays: count(30, 0, 36_500),
});
