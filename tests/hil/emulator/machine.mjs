// A Raspberry Pi Pico: rp2040js with the boot ROM, the flash chip, UARTs with time and a USB host.

import { answerUniqueId, trapFlash } from "./rom.mjs";
import { makePl011 } from "./uart.mjs";
import { makeUsbHost } from "./usb.mjs";

const FLASH = 0x10000000;
const UART_SLOTS = [0x40034, 0x40038], WATCHDOG = 0x40058, SSI = 0x18000;
const ADC_PINS = 4;
// Instructions between two looks at the clock: about 100 ns at 125 MHz, a tenth of the timer's microsecond.
const BATCH = 32;

// `emulator`: the rp2040js package; `boot`: words of the boot ROM; `chip`: a FlashChip; `on`: {usb(bytes),
// uart(number, byte), pin(number, state, ms)}.
export class Pico {
  constructor(emulator, boot, chip, uniqueId, on) {
    Object.assign(this, { emulator, boot, chip, uniqueId, on });
    Object.assign(this, { resetWanted: false, drivers: [null, null], watched: new Set(), inputs: new Map() });
    this.adc = [0, 0, 0, 0, 876]; // channel 4: 0.706 V, 27 degrees on the chip's own sensor
    this.clock = new emulator.Simulator().clock; // the package does not export the clock's class
    this.start({ reason: 0, scratch: null });
  }

  // Power on, or go on after a reset: everything but the flash, the watchdog's reason and its scratch registers is new.
  start({ reason, scratch }) {
    const { emulator, chip } = this;
    this.clock.nextAlarm = null;
    const rp = new emulator.RP2040(this.clock);
    this.rp = rp;
    rp.logger = new emulator.ConsoleLogger(emulator.LogLevel.Error, false);
    rp.loadBootrom(this.boot);
    rp.flash.set(chip.image);
    trapFlash(rp, chip);
    answerUniqueId(rp.peripherals[SSI], this.uniqueId);
    this.connectUarts(rp);
    this.feedUsb = makeUsbHost(emulator.USBCDC, rp.usbCtrl, this.on.usb);
    rp.adc.channelValues = this.adc;
    const watchdog = rp.peripherals[WATCHDOG];
    watchdog.reason = reason;
    if (scratch) watchdog.scratchData.set(scratch);
    watchdog.onWatchdogTrigger = () => {
      this.resetWanted = true;
      watchdog.alarm.enable = false; // at zero it would fire again at once, for ever
    };
    for (const [number, value] of this.inputs) rp.gpio[number].setInputValue(value);
    for (const number of this.watched) this.watch(number);
    rp.core.PC = FLASH;
  }

  connectUarts(rp) {
    const Pl011 = makePl011(rp.uart[0].constructor);
    rp.uart = rp.uart.map((old, number) => {
      const uart = new Pl011(rp, old, (byte) => this.on.uart(number, byte));
      uart.enabled485 = () => this.drivers[number] === null || rp.gpio[this.drivers[number]].value === 1;
      rp.peripherals[UART_SLOTS[number]] = uart;
      return uart;
    });
  }

  // The RUN pin: a reset without a reason in the watchdog.
  pressReset() {
    this.start({ reason: 0, scratch: null });
  }

  setPin(number, value) {
    this.inputs.set(number, value);
    this.rp.gpio[number].setInputValue(value);
  }

  // Tell each change of a pin: 0, 1, or -1 while it is no output.
  watch(number) {
    this.watched.add(number);
    const shown = (state) => (state === 0 || state === 1 ? state : -1);
    this.rp.gpio[number].addListener((state) => this.on.pin(number, shown(state), this.clock.nanos / 1e6));
  }

  setAdc(channel, value) {
    if (!(channel >= 0 && channel <= ADC_PINS)) throw new Error(`adc ${channel}: 0 to ${ADC_PINS}`);
    this.adc[channel] = value;
  }

  // Run until `nanos` of simulated time, at most `turns` times BATCH instructions. Returns whether the time was reached.
  run(nanos, turns) {
    const { clock } = this;
    for (let left = turns; left > 0 && clock.nanos < nanos; left--) {
      const { rp } = this;
      const { core } = rp;
      if (core.waiting) {
        const next = clock.nextAlarm ? Math.max(clock.nanosToNextAlarm, 0) : Infinity;
        clock.tick(Math.min(next, nanos - clock.nanos));
      } else {
        let cycles = 0;
        for (let i = 0; i < BATCH && !core.waiting; i++) cycles += core.executeInstruction();
        clock.tick((cycles * 1e9) / rp.clkSys);
      }
      if (this.resetWanted) this.restart();
    }
    return clock.nanos >= nanos;
  }

  restart() {
    const watchdog = this.rp.peripherals[WATCHDOG];
    this.resetWanted = false;
    this.start({ reason: watchdog.reason, scratch: watchdog.scratchData });
    this.on.reset(watchdog.reason);
  }
}
