// fake_photo.mjs: photos for the fake face engine: solid colours as PNG files.
// What the colours say is told in tests/e2e/photos.py.
import { deflateSync } from 'node:zlib';

export const FLAW = {
  OK: 0, NO_FACE: 1, MANY: 2, TOO_SMALL: 3, BLURRED: 4, UNCLEAR: 9,
};
const TURN = { left: 12, right: 13, up: 14, down: 15 };
const SIDE_PX = 200;
let nonce = 0;

const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; bit++)
    n = n & 1 ? (n >>> 1) ^ 0xedb88320 : n >>> 1;
  return n;
});

function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = TABLE[(crc ^ byte) & 255] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

function chunk(kind, data) {
  const body = Buffer.concat([Buffer.from(kind), data]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(data.length, 0);
  body.copy(out, 4);
  out.writeUInt32BE(crc32(body), body.length + 4);
  return out;
}

function png(colour) {
  const head = Buffer.alloc(13);
  head.writeUInt32BE(SIDE_PX, 0);
  head.writeUInt32BE(SIDE_PX, 4);
  head.set([8, 2, 0, 0, 0], 8);
  const row = Buffer.alloc(1 + 3 * SIDE_PX);
  for (let x = 0; x < SIDE_PX; x++) row.set(colour, 1 + 3 * x);
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), chunk('IHDR', head),
    chunk('IDAT', deflateSync(Buffer.concat(Array(SIDE_PX).fill(row)),
                              { level: 1 })),
    chunk('IEND', Buffer.alloc(0))]);
}

// A new photo of person `who` with a flaw.
export function photo(who, flaw = FLAW.OK) {
  return png([(who % 32) * 8, Math.min(flaw * 16, 255), ++nonce % 256]);
}

// The frame of a turn of the head.
export function frame(who, turn) {
  return photo(who, TURN[turn]);
}
