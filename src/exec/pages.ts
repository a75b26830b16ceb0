/**
 * The memory that output lies in. Who reads much would leave it to the garbage collector faster than that looks: what the
 * reader takes a page for, the log gives back when the last byte of it is let go and nobody else has seen it. The frames of
 * a socket lie in pages too, which are given back when it has taken them.
 */

/** A full pipe: what one read can bring. */
export const pageBytes = 64 * 1024;

/** What a frame of a whole page has in front of it lies behind the page, in the same memory. */
const headBytes = 16;

/** As many as a log keeps by default; more are left to the garbage collector. */
const sparesMax = 16;

const spares: Buffer<ArrayBuffer>[] = [];

/** Every page that there is, by its memory, so that nothing else is ever taken for one. */
const pages = new WeakMap<ArrayBufferLike, Buffer<ArrayBuffer>>();

/** `pageBytes` of memory with arbitrary content. */
export function takePage(): Buffer<ArrayBuffer> {
  return spares.pop() ?? newPage();
}

/** Lets the page that `bytes` lie in be used again, by anyone and at once; what lies elsewhere is left alone. */
export function givePage(bytes: Uint8Array): void {
  const page = pages.get(bytes.buffer);
  if (page !== undefined && spares.length < sparesMax) spares.push(page);
}

function newPage(): Buffer<ArrayBuffer> {
  const page = Buffer.allocUnsafeSlow(pageBytes + headBytes).subarray(0, pageBytes);
  pages.set(page.buffer, page);
  return page;
}
