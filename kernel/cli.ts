#!/usr/bin/env node
/** The command `cellgrad`: installs the kernel, runs notebooks, and is what Jupyter starts. */
import { parseArgs, stripVTControlCharacters } from "node:util";

const usage = `Usage:
  cellgrad install [--user | --prefix PATH | --sys-prefix]   make the kernel known to Jupyter
  cellgrad run NOTEBOOK [-p NAME=VALUE]... [-o FILE]         execute a notebook, save the result as FILE
  cellgrad kernel --connection-file FILE                     run the kernel (Jupyter does this)`;

const [command, ...rest] = process.argv.slice(2);
try {
  await run(command, rest);
} catch (error) {
  console.error(`cellgrad: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
}

async function run(command: string | undefined, args: string[]): Promise<void> {
  switch (command) {
    case "kernel": {
      // `jupyter run` and `jupyter console` pass what they were given on to the kernel.
      const { values } = parseArgs({ args, options: { "connection-file": { type: "string" } }, strict: false });
      const file = values["connection-file"];
      if (typeof file !== "string") throw new Error(`--connection-file is needed\n${usage}`);
      const { runKernel } = await import("./main.js");
      return runKernel(file);
    }
    case "install": {
      const options = { user: { type: "boolean" }, prefix: { type: "string" }, "sys-prefix": { type: "boolean" } } as const;
      const { values } = parseArgs({ args, options });
      const { install } = await import("./install.js");
      const folder = install({ prefix: values.prefix, sysPrefix: values["sys-prefix"] ?? false });
      return console.log(`Installed the kernel cellgrad in ${folder}`);
    }
    case "run": {
      const options = { parameter: { type: "string", short: "p", multiple: true }, output: { type: "string", short: "o" } } as const;
      const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
      const [notebook, ...more] = positionals;
      if (notebook === undefined || more.length > 0) throw new Error(`run takes one notebook\n${usage}`);
      const { runNotebook } = await import("./run/run.js");
      const log = (line: string) => console.error(line);
      const result = await runNotebook({ notebook, parameters: values.parameter ?? [], output: values.output ?? null, log });
      if (result.status === "failed") {
        const text = [`cell ${result.cell} failed:`, ...result.traceback].join("\n");
        console.error(process.stderr.isTTY ? text : stripVTControlCharacters(text));
      }
      process.exitCode = { ok: 0, failed: 1, interrupted: 130 }[result.status];
      return;
    }
    default:
      throw new Error(command === undefined ? usage : `unknown command ${command}\n${usage}`);
  }
}
