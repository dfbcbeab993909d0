// A PL011 UART with time: each byte takes as long as on the wire, the FIFOs are 32 deep and can overrun, and with an
// RS-485 driver only what is sent while the driver is enabled reaches the line.
// Registers: ARM DDI 0183 (PL011), RP2040 datasheet 4.2.8. No parity or framing errors, no modem lines.

const DR = 0x00, FR = 0x18, LCR_H = 0x2c, IFLS = 0x34, IMSC = 0x38, RIS = 0x3c, MIS = 0x40, ICR = 0x44;
const FR_BUSY = 1 << 3, FR_RXFE = 1 << 4, FR_TXFF = 1 << 5, FR_RXFF = 1 << 6, FR_TXFE = 1 << 7;
const RX = 1 << 4, TX = 1 << 5, RX_TIMEOUT = 1 << 6, OVERRUN = 1 << 10;
const DATA_OVERRUN = 1 << 11;
const DEPTH = 32;
const LEVELS = [4, 8, 16, 24, 28]; // 1/8, 1/4, 1/2, 3/4, 7/8 of 32
const QUIET_BITS = 32; // of the receive time-out

// The class is made from rp2040js's own, which its package does not export by name.
export function makePl011(Base) {
  return class Pl011 extends Base {
    // `enabled()`: whether the RS-485 driver is on; `onWire(byte)`: a byte has left completely.
    constructor(rp, old, onWire) {
      super(rp, old.name, old.irq, old.dreq);
      Object.assign(this, { onWire, enabled485: () => true, ifls: 0x12, raw: 0, mask: 0 });
      Object.assign(this, { rx: [], tx: [], line: [], shifting: null, overran: false, lost: 0, heardAt: null, replies: [] });
      this.txAlarm = rp.clock.createAlarm(() => this.sent());
      this.rxAlarm = rp.clock.createAlarm(() => this.arrived());
      this.quietAlarm = rp.clock.createAlarm(() => this.raise(RX_TIMEOUT));
    }

    get depth() { return this.fifosEnabled ? DEPTH : 1; }
    get bitNanos() { return 1e9 / (this.baudDivider ? this.baudRate : 115200); }
    get byteNanos() {
      const parity = this.lineCtrlRegister & 2 ? 1 : 0, stop = this.lineCtrlRegister & 8 ? 2 : 1;
      return this.bitNanos * (1 + this.wordLength + parity + stop);
    }
    get rxTrigger() { return this.fifosEnabled ? LEVELS[(this.ifls >> 3) & 7] ?? 28 : 1; }
    get txTrigger() { return this.fifosEnabled ? LEVELS[this.ifls & 7] ?? 28 : 0; }

    // Bytes come to the RX pin, one after the other at the line's speed.
    feed(bytes) {
      const idle = this.line.length === 0;
      for (const byte of bytes) this.line.push(byte);
      if (idle && this.line.length) this.rxAlarm.schedule(this.byteNanos);
    }

    arrived() {
      const byte = this.line.shift();
      this.heardAt = this.rp2040.clock.nanos;
      if (this.enabled && this.rxEnabled) this.take(byte);
      if (this.line.length) this.rxAlarm.schedule(this.byteNanos);
    }

    take(byte) {
      if (this.rx.length >= this.depth) {
        this.overran = true;
        this.lost += 1;
        this.raise(OVERRUN);
        return;
      }
      this.rx.push(byte);
      this.quietAlarm.schedule(this.bitNanos * QUIET_BITS);
      if (this.rx.length >= this.rxTrigger) this.raise(RX);
    }

    send(byte) {
      if (this.heardAt !== null) this.replies.push((this.rp2040.clock.nanos - this.heardAt) / 1e6);
      this.heardAt = null;
      if (this.tx.length < this.depth) this.tx.push(byte);
      if (this.tx.length > this.txTrigger) this.raw &= ~TX;
      if (this.shifting === null) this.shiftNext();
    }

    shiftNext() {
      const before = this.tx.length;
      if (before === 0) return;
      this.shifting = { byte: this.tx.shift(), driven: this.enabled485() };
      this.txAlarm.schedule(this.byteNanos);
      if (before > this.txTrigger && this.tx.length <= this.txTrigger) this.raw |= TX;
      if (this.txTrigger === 0) this.raw |= TX;
    }

    sent() {
      const { byte, driven } = this.shifting;
      this.shifting = null;
      if (driven && this.enabled485()) this.onWire(byte);
      this.shiftNext();
      this.checkInterrupts();
    }

    raise(bits) {
      this.raw |= bits;
      this.checkInterrupts();
    }

    // The base class asserts TX-empty for ever here, which is a storm of interrupts.
    checkInterrupts() {
      this.rp2040.setInterrupt(this.irq, !!(this.raw & this.mask));
    }

    read() {
      const byte = this.rx.length ? this.rx.shift() : 0;
      const value = byte | (this.overran ? DATA_OVERRUN : 0);
      this.overran = false;
      if (this.rx.length < this.rxTrigger) this.raw &= ~RX;
      if (this.rx.length === 0) {
        this.raw &= ~RX_TIMEOUT;
        this.quietAlarm.cancel();
      }
      this.checkInterrupts();
      return value;
    }

    get flags() {
      return (this.shifting || this.tx.length ? FR_BUSY : 0) | (this.rx.length ? 0 : FR_RXFE)
        | (this.tx.length >= this.depth ? FR_TXFF : 0) | (this.rx.length >= this.depth ? FR_RXFF : 0)
        | (this.tx.length ? 0 : FR_TXFE);
    }

    readUint32(offset) {
      switch (offset) {
        case DR: return this.read();
        case FR: return this.flags;
        case IFLS: return this.ifls;
        case IMSC: return this.mask;
        case RIS: return this.raw;
        case MIS: return this.raw & this.mask;
        default: return super.readUint32(offset);
      }
    }

    writeUint32(offset, value) {
      if (offset === DR) this.send(value & 0xff);
      else if (offset === IFLS) this.ifls = value & 0x3f;
      else if (offset === IMSC) this.mask = value & 0x7ff;
      else if (offset === ICR) this.raw &= ~this.rawWriteValue;
      else {
        if (offset === LCR_H && !(value & 0x10)) this.rx.length = Math.min(this.rx.length, 1);
        super.writeUint32(offset, value);
        return;
      }
      this.checkInterrupts();
    }
  };
}
