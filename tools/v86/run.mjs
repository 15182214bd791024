// run.mjs IMAGE INITRD MEMORY-BYTES COMMAND-LINE: boots the kernel in v86 and connects its serial ports.
// Standard input: frames for COM1, as they are. Standard output: COM1. Descriptor 3: COM3. Descriptor 4: COM4, the log.
import { readFileSync, writeSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { V86 } from "v86";

const [image, initrd, memory, words] = process.argv.slice(2);
const bios = process.env.QUIRE_SEABIOS ?? "/usr/share/seabios";
const file = (path) => ({ buffer: new Uint8Array(readFileSync(path)).buffer });
const EXIT_PORT = 0xf4;

/** Collects the bytes of one port and writes them in large pieces. */
class Output {
  #bytes = [];
  constructor(descriptor) { this.descriptor = descriptor; }
  add(byte) {
    this.#bytes.push(byte);
    if (this.#bytes.length >= 8192) this.flush();
  }
  flush() {
    let data = Uint8Array.from(this.#bytes);
    this.#bytes = [];
    while (data.length > 0) {
      try {
        data = data.subarray(writeSync(this.descriptor, data));
      } catch (error) {
        if (error.code === "EAGAIN") continue;
        if (error.code === "EPIPE") process.exit(1);
        throw error;
      }
    }
  }
}

const emulator = new V86({
  wasm_path: fileURLToPath(new URL("./node_modules/v86/build/v86.wasm", import.meta.url)),
  bios: file(`${bios}/bios.bin`),
  vga_bios: file(`${bios}/vgabios-stdvga.bin`),
  multiboot: file(image),
  initrd: file(initrd),
  cmdline: words,
  memory_size: Number(memory),
  uart1: true,
  uart2: true,
  uart3: true,
  disable_keyboard: true,
  disable_mouse: true,
  disable_speaker: true,
  autostart: true,
});

const ports = [new Output(1), null, new Output(3), new Output(4)];
ports.forEach((port, number) => port && emulator.add_listener(`serial${number}-output-byte`, (byte) => port.add(byte)));
const flush = () => ports.forEach((port) => port?.flush());
const timer = setInterval(flush, 20);

emulator.add_listener("emulator-loaded", () => {
  emulator.v86.cpu.io.register_write(EXIT_PORT, undefined, undefined, undefined, () => {
    clearInterval(timer);
    flush();
    process.exit(0);
  });
});
emulator.add_listener("emulator-ready", () => {
  process.stdin.on("data", (data) => {
    for (const byte of data) emulator.bus.send("serial0-input", byte);
  });
});
