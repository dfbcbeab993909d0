// One emulated Raspberry Pi Pico as a process.
//
//   node pico.mjs --modules DIR --bootrom FILE --firmware FILE --flash FILE [--unique HEX] [--speed 1]
//
// stdout, one JSON object a line: {"event":"ready","usb":PORT,"uart0":PORT,"uart1":PORT}, {"event":"reset","reason":N},
// {"event":"pin","number":N,"state":0|1|-1,"ms":T}, {"event":"cut"}, {"event":"lag","ms":T}. The ports are TCP on the loopback
// interface and carry the plain bytes of each serial line; what is sent with nobody connected waits.
// stdin, one JSON object a line, is control and life line: {"do":"reset"}, {"do":"cut-after","operations":N,"share":0..1},
// {"do":"adc","channel":N,"value":0..4095}, {"do":"pin","number":N,"value":bool}, {"do":"watch","number":N},
// {"do":"driver","uart":N,"pin":N|null} (an RS-485 driver whose enable is that pin). The process ends with it.

import fs from "node:fs";
import net from "node:net";
import { createRequire } from "node:module";
import path from "node:path";
import readline from "node:readline";
import { parseArgs } from "node:util";
import { Pico } from "./machine.mjs";
import { FlashChip } from "./rom.mjs";

const { values: given } = parseArgs({
  options: Object.fromEntries(
    ["modules", "bootrom", "firmware", "flash", "unique", "speed", "erase-ms", "page-us"].map((name) => [name, { type: "string" }]),
  ),
});
// Typical times of the W25Q16JV (its datasheet, AC characteristics: tSE 45 ms, tPP 0.4 ms [M]).
const times = { eraseMs: Number(given["erase-ms"] ?? 45), pageUs: Number(given["page-us"] ?? 400) };
const SLICE_INSTRUCTIONS = 20000;
const LONGEST_SLICE_MS = 8; // then sockets get their turn
const FORGIVEN_MS = 100; // further behind the wall clock than this is given up, not caught up
const KEPT_BYTES = 1 << 20;

const say = (event, fields) => process.stdout.write(JSON.stringify({ event, ...fields }) + "\n");

// A serial line on a TCP port: one peer at a time; what the board says before one comes is kept.
function serialPort(feed) {
  const port = { peer: null, kept: [], out: [] };
  const server = net.createServer((socket) => {
    port.peer?.destroy();
    port.peer = socket;
    socket.setNoDelay(true);
    socket.on("data", feed);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => { if (port.peer === socket) port.peer = null; });
    if (port.kept.length) socket.write(Buffer.from(port.kept.splice(0)));
  });
  port.write = (bytes) => { for (const byte of bytes) port.out.push(byte); };
  port.flush = () => {
    if (!port.out.length) return;
    const bytes = Buffer.from(port.out.splice(0));
    if (port.peer) port.peer.write(bytes);
    else if (port.kept.length < KEPT_BYTES) port.kept.push(...bytes);
  };
  return new Promise((done) => server.listen(0, "127.0.0.1", () => done(Object.assign(port, { number: server.address().port }))));
}

function loadWords(file) {
  const bytes = fs.readFileSync(file);
  return new Uint32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}

const emulator = createRequire(path.resolve(given.modules, "package.json"))("rp2040js");
const chip = new FlashChip(given.flash, times);
const firmware = fs.readFileSync(given.firmware);
if (!chip.image.subarray(0, firmware.length).equals(firmware)) {
  firmware.copy(chip.image);
  fs.writeSync(chip.file, chip.image, 0, firmware.length, 0);
}
chip.onCut = () => {
  say("cut", {});
  process.exit(0);
};

let pico = null;
const usb = await serialPort((bytes) => pico.feedUsb(bytes));
const uarts = await Promise.all([0, 1].map((number) => serialPort((bytes) => pico.rp.uart[number].feed(bytes))));
pico = new Pico(emulator, loadWords(given.bootrom), chip, Buffer.from(given.unique ?? "e660c0ffee000001", "hex"), {
  usb: (bytes) => usb.write(bytes),
  uart: (number, byte) => uarts[number].write([byte]),
  pin: (number, state, ms) => say("pin", { number, state, ms }),
  reset: (reason) => say("reset", { reason }),
});

const orders = {
  reset: () => { pico.pressReset(); say("reset", { reason: 0 }); },
  "cut-after": ({ operations, share }) => { chip.cut = { operations, share }; },
  adc: ({ channel, value }) => pico.setAdc(channel, value),
  pin: ({ number, value }) => pico.setPin(number, value),
  watch: ({ number }) => pico.watch(number),
  driver: ({ uart, pin }) => { pico.drivers[uart] = pin; },
  // Milliseconds of simulated time; `replies`: from the end of the last byte heard to the first byte given to the UART.
  stats: () => say("stats", {
    ms: pico.clock.nanos / 1e6, behind, writes: chip.operations,
    lost: pico.rp.uart.map((one) => one.lost), replies: pico.rp.uart.map((one) => one.replies.splice(0)),
  }),
};
readline.createInterface({ input: process.stdin }).on("line", (line) => {
  const order = JSON.parse(line);
  orders[order.do](order);
}).on("close", () => process.exit(0));

// Simulated time follows the wall clock: ahead it waits, behind it hurries, and what it cannot catch up it gives up.
const speed = Number(given.speed ?? 1);
let behind = 0, origin = performance.now();
function slice() {
  const began = performance.now();
  const target = () => (performance.now() - origin) * speed * 1e6;
  while (!pico.run(target(), SLICE_INSTRUCTIONS) && performance.now() - began < LONGEST_SLICE_MS);
  for (const port of [usb, ...uarts]) port.flush();
  const late = (target() - pico.clock.nanos) / 1e6 / speed;
  if (late > FORGIVEN_MS) {
    origin += late;
    behind += late;
  }
  if (late > 1) setImmediate(slice);
  else setTimeout(slice, 1);
}
say("ready", { usb: usb.number, uart0: uarts[0].number, uart1: uarts[1].number });
slice();
