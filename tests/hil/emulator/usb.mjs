// The host at the board's USB plug: enumerates it and carries the bytes of its serial port both ways.

// `onData(bytes)`: from the board. Returns `feed(bytes)` to the board.
export function makeUsbHost(USBCDC, controller, onData) {
  const cdc = new USBCDC(controller);
  const waiting = [], queue = [];
  cdc.onSerialData = onData;
  // A transfer is complete when there is data for it; completed empty, MicroPython would poll its port for ever.
  controller.onEndpointRead = (endpoint, size) => {
    if (endpoint !== cdc.outEndpoint) return;
    waiting.push(size);
    pump();
  };
  function pump() {
    while (waiting.length && queue.length) {
      controller.endpointReadDone(cdc.outEndpoint, Uint8Array.from(queue.splice(0, waiting.shift())));
    }
  }
  return (bytes) => {
    for (const byte of bytes) queue.push(byte);
    pump();
  };
}
