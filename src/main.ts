#!/usr/bin/env bun
// The executable's entry: picks a command. Exports nothing (with --bytecode, an entry that exports crashes at start).
import { isStartProblem, serve } from "./commands/serve.ts";

const usage = `Usage: image-sharing [command]

  serve      run the service (the default)
  --help     this text
`;

const [command = "serve", ...rest] = process.argv.slice(2);
if (command === "serve" && rest.length === 0) {
  serve().catch((error: unknown) => {
    process.stderr.write(isStartProblem(error) ? `${error.message}\n` : `Cannot start: ${String(error)}\n`);
    process.exit(1);
  });
} else if (command === "--help" || command === "-h") {
  process.stdout.write(usage);
} else {
  process.stderr.write(usage);
  process.exit(2);
}
