// The boot ROM's flash functions, done by the host: the flash chip behind them is an array and a file.
// The ROM finds its functions through a table of (two letters, address) at the address that stands at 0x14
// (RP2040 datasheet 2.8.3). The traps are BKPT instructions put at those addresses.

import fs from "node:fs";

const TABLE_POINTER = 0x14;
const BX_LR = 0x4770, BKPT = 0xbe00;
export const FLASH_BYTES = 2 * 1024 * 1024; // W25Q16JV, the Pico's chip
const RAM = 0x20000000;

function half(rom, address) {
  return (rom[address >> 2] >>> (8 * (address & 2))) & 0xffff;
}

function put(rom, address, value) {
  const shift = 8 * (address & 2);
  rom[address >> 2] = ((rom[address >> 2] & ~(0xffff << shift)) | (value << shift)) >>> 0;
}

// A chip whose content is written through to `path` with every operation, so that killing this process is a power cut
// between two operations. `cut = {operations, share}`: the operation after so many is done to that share only, and
// then `onCut` is called.
export class FlashChip {
  constructor(path, { eraseMs, pageUs }) {
    this.path = path;
    this.image = Buffer.alloc(FLASH_BYTES, 0xff);
    if (fs.existsSync(path)) fs.readFileSync(path).copy(this.image);
    this.file = fs.openSync(path, fs.existsSync(path) ? "r+" : "w+");
    fs.writeSync(this.file, this.image, 0, FLASH_BYTES, 0);
    Object.assign(this, { eraseMs, pageUs, cut: null, onCut: () => {}, operations: 0 });
  }

  // Nanoseconds the chip is busy.
  erase(at, count) {
    const size = this.allowed(count);
    this.image.fill(0xff, at, at + size);
    return this.done(at, size, Math.ceil(count / 4096) * this.eraseMs * 1e6);
  }

  // A programmed bit can only go from 1 to 0.
  program(at, data) {
    const size = this.allowed(data.length);
    for (let i = 0; i < size; i++) this.image[at + i] &= data[i];
    return this.done(at, size, Math.ceil(data.length / 256) * this.pageUs * 1e3);
  }

  allowed(count) {
    this.operations += 1;
    if (!this.cut || this.cut.operations-- > 0) return count;
    return Math.floor(count * this.cut.share);
  }

  done(at, size, nanos) {
    if (size) fs.writeSync(this.file, this.image, at, size, at);
    if (this.cut && this.cut.operations < 0) {
      this.cut = null;
      this.onCut();
    }
    return nanos;
  }
}

// Puts the traps into `rp`'s boot ROM. What the flash does takes its time with the core standing still, as it does on
// silicon, where code cannot be fetched from a busy flash; bytes on the UARTs go on arriving meanwhile.
export function trapFlash(rp, chip) {
  const rom = rp.bootrom;
  const traps = { RE: erase, RP: program, IF: nothing, EX: nothing, FC: nothing, CX: nothing };
  const handlers = [];
  function nothing() {}
  function erase([at, count]) {
    const nanos = chip.erase(at, count);
    rp.flash.set(chip.image.subarray(at, at + count), at);
    rp.clock.tick(nanos);
  }
  function program([at, from, count]) {
    const data = rp.sram.slice(from - RAM, from - RAM + count);
    const nanos = chip.program(at, data);
    rp.flash.set(chip.image.subarray(at, at + count), at);
    rp.clock.tick(nanos);
  }
  for (let at = half(rom, TABLE_POINTER); half(rom, at); at += 4) {
    const code = half(rom, at);
    const name = String.fromCharCode(code & 0xff, code >> 8);
    if (!traps[name]) continue;
    const entry = half(rom, at + 2) & ~1;
    put(rom, entry, BKPT | handlers.length);
    put(rom, entry + 2, BX_LR);
    handlers.push(traps[name]);
  }
  if (handlers.length !== Object.keys(traps).length) throw new Error("boot ROM: not every flash function was found");
  rp.onBreak = (number) => {
    if (!handlers[number]) throw new Error(`BKPT ${number}: the firmware stopped at a breakpoint`);
    handlers[number]([...rp.core.registers.slice(0, 3)]);
  };
}

// The chip's 64-bit unique number (command 4Bh: four dummy bytes, then eight), which MicroPython shows as
// machine.unique_id(). `id`: Buffer of 8.
export function answerUniqueId(ssi, id) {
  const DR0 = 0x60, READ_UNIQUE = 0x4b, DUMMY = 4;
  const write = ssi.writeUint32.bind(ssi);
  let at = -1;
  ssi.writeUint32 = (offset, value) => {
    if (offset !== DR0) return write(offset, value);
    if (at >= 0) {
      at += 1;
      ssi.dr0 = at > DUMMY ? id[at - DUMMY - 1] : 0;
      if (at === DUMMY + id.length) at = -1;
    } else if (value === READ_UNIQUE) at = 0;
    else write(offset, value);
  };
}
