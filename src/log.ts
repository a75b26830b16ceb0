import { destination, type Logger, pino } from "pino";
import { escapeUnseen } from "./unseen.ts";

/** Where finished lines go. */
export interface LineSink {
  write(line: string): unknown;
}

/** The log: JSON lines, on stderr unless the caller has another place for them, in which no character hides what a line says. */
export function createLog(sink: LineSink = destination({ fd: 2, sync: true })): Logger {
  return pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime }, { write: (line: string) => void sink.write(escapeUnseen(line)) });
}
