// Plays the scenes in a browser's Python: node run.mjs PYODIDE WHEEL
//
// The loop there is the host's: real time, no thread, and no timer in the past.

import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [pyodide, wheel] = process.argv.slice(2).map((path) => resolve(path));
const { loadPyodide } = await import(pathToFileURL(`${pyodide}/pyodide.mjs`));

const python = await loadPyodide();
python.unpackArchive(new Uint8Array(readFileSync(wheel)), "wheel");
for (const name of ["scenes.py", "play.py"]) {
  python.FS.writeFile(name, readFileSync(new URL(name, import.meta.url)));
}

try {
  await python.runPythonAsync("import play; await play.play()");
} catch (error) {
  // What else is in it is the whole interpreter, printed.
  console.error(String(error.message).slice(-2000));
  process.exit(1);
}
process.exit(0);
