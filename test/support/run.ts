// What `bun run test` runs: every test on SQLite, then what touches the database once more on PostgreSQL.
import { hasPostgres } from "./postgres.ts";

const onBoth = ["accounts", "app", "crash", "hardening", "posts", "uploads"].map((name) => `test/${name}`);

async function run(files: string[], environment: Record<string, string> = {}): Promise<boolean> {
  const tests = Bun.spawn([process.execPath, "test", "--timeout=30000", ...files], {
    env: { ...process.env, ...environment },
    stdio: ["ignore", "inherit", "inherit"],
  });
  return (await tests.exited) === 0;
}

const named = process.argv.slice(2);
let passed = await run(named);
if (hasPostgres) {
  console.log("\nOn PostgreSQL:");
  if (!(await run(named.length > 0 ? named : onBoth, { TEST_DATABASE: "postgres" }))) passed = false;
} else
  console.log(
    "\nskipped: tests on PostgreSQL need its server programs (Debian: postgresql) or TEST_DATABASE_URL",
  );
process.exit(passed ? 0 : 1);
