import { command } from "./process.ts";
import type { FakeS3 } from "./fake-s3.ts";

/** The settings of a service that keeps new uploads on disk and can use this bucket. */
export const diskAndBucket = (s3: FakeS3): Record<string, string> => ({
  MEDIA_STORE: "disk",
  S3_BUCKET: s3.bucket,
  S3_ENDPOINT: s3.url,
  S3_REGION: s3.region,
  S3_ACCESS_KEY_ID: s3.accessKeyId,
  S3_SECRET_ACCESS_KEY: s3.secretAccessKey,
});

/** Starts `move-media`. `result` waits for its end. */
export function startMoveMedia(dataDir: string, args: string[], environment: Record<string, string>) {
  const child = Bun.spawn([...command, "move-media", ...args], {
    env: { PATH: process.env["PATH"], DATA_DIR: dataDir, FFMPEG: "off", ...environment },
    cwd: dataDir,
    stdout: "pipe",
    stderr: "pipe",
  });
  const printed = Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  return {
    kill: (signal: NodeJS.Signals) => child.kill(signal),
    async result() {
      const [out, error] = await printed;
      return { out, error, status: await child.exited };
    },
  };
}
