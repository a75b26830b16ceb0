import { once } from "node:events";
import { connect } from "node:net";
import { testToken } from "../fixtures/token.ts";

/** A kept-alive connection that sends one request after the other and costs next to nothing itself. */
export interface HttpClient extends Disposable {
  /** `POST /v1/exec`; resolves with the body. @throws Error when the answer is not 200 */
  exec(body: string): Promise<string>;
}

export async function openHttpClient(port: number): Promise<HttpClient> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  await once(socket, "connect");
  let answer = "";
  let waiter: { resolve: (body: string) => void; reject: (cause: Error) => void } | undefined;
  socket.setEncoding("latin1");
  socket.on("data", (text: string) => {
    answer += text;
    const end = answer.indexOf("\r\n\r\n");
    if (end < 0) return;
    const length = Number(/^content-length: (\d+)/im.exec(answer)?.[1]);
    if (answer.length < end + 4 + length) return;
    const whole = answer;
    answer = "";
    if (whole.startsWith("HTTP/1.1 200 ")) waiter?.resolve(whole.slice(end + 4));
    else waiter?.reject(new Error(whole));
  });
  socket.on("error", (cause) => waiter?.reject(cause));
  socket.on("close", () => waiter?.reject(new Error("the connection was closed")));
  const head = `POST /v1/exec HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${testToken}\r\nContent-Type: application/json\r\n`;
  return {
    exec(body) {
      socket.write(`${head}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
      return new Promise((resolve, reject) => {
        waiter = { resolve, reject };
      });
    },
    [Symbol.dispose]: () => void socket.destroy(),
  };
}
