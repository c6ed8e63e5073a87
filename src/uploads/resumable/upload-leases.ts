import type { Database } from "../../database/database.ts";
import type { ResumableUpload, UploadLease } from "../../database/resumable-uploads.ts";
import { ApiError } from "../../errors.ts";
import type { Log } from "../../observability/log.ts";

/** Milliseconds that a lease lasts unless it is renewed; after a crash, an upload goes on with this delay. */
const leaseMs = 12_000;
const renewalMs = 2_000;
/** Milliseconds between two looks at a lease that another process has. */
const pollMs = 200;
/** Milliseconds that a request waits for another one, which may be publishing the post. */
const maxWaitMs = 20_000;

/** The right of a request to work on an upload. */
export interface HeldUpload {
  /** The upload when the right was given. Only its holder changes it. */
  readonly upload: ResumableUpload;
  readonly lease: UploadLease;
  /** Aborts when another request wants the upload or the lease was lost. The holder should then end soon. */
  readonly wanted: AbortSignal;
  release(): Promise<void>;
}

/**
 * Lets one request at a time work on an upload. A request that finds another one at work asks it to end: it is likely left
 * over from a connection that the client has given up. On this node that takes effect at once; processes that share a
 * folder learn of it within two seconds.
 */
export interface UploadLeases {
  /**
   * @throws ApiError NOT_FOUND when the user has no such upload; UPLOAD_LOCKED when another request does not end in time
   */
  acquire(userId: string, uploadId: string): Promise<HeldUpload>;
  /** Asks all requests of this process to keep what they have received and to end, because the service stops. */
  interruptAll(): void;
}

export function createUploadLeases(database: Pick<Database, "resumableUploads">, log: Log): UploadLeases {
  const { resumableUploads } = database;
  /** The requests of this process that have an upload, or wait for another process to release it. */
  const holders = new Map<string, { readonly wanted: AbortController; readonly released: Promise<void> }>();

  return {
    interruptAll() {
      const stopping = new ApiError("STOPPING", { headers: { connection: "close" } });
      for (const { wanted } of holders.values()) wanted.abort(stopping);
    },

    async acquire(userId, uploadId) {
      const deadline = performance.now() + maxWaitMs;
      for (let holder = holders.get(uploadId); holder; holder = holders.get(uploadId)) {
        // Only the owner may interrupt an upload.
        if (!(await resumableUploads.find(userId, uploadId, new Date()))) throw new ApiError("NOT_FOUND");
        holder.wanted.abort(locked());
        await Promise.race([holder.released, Bun.sleep(Math.max(0, deadline - performance.now()))]);
        if (performance.now() >= deadline) throw locked();
      }
      const wanted = new AbortController();
      const { promise: released, resolve } = Promise.withResolvers<void>();
      holders.set(uploadId, { wanted, released });
      const lease: UploadLease = { uploadId, lease: crypto.randomUUID() };
      const end = () => {
        holders.delete(uploadId);
        resolve();
      };
      try {
        const upload = await take(userId, lease, deadline);
        const stop = keepRenewing(lease, () => wanted.abort(locked()));
        const release = async () => {
          stop();
          await resumableUploads.release(lease).catch((error: unknown) => {
            log.warn("upload.lease_not_released", { upload: uploadId, error });
          });
          end();
        };
        return { upload, lease, wanted: wanted.signal, release };
      } catch (error) {
        end();
        throw error;
      }
    },
  };

  async function take(userId: string, lease: UploadLease, deadline: number): Promise<ResumableUpload> {
    for (;;) {
      const now = Date.now();
      const until = new Date(now + leaseMs);
      const found = await resumableUploads.acquire(userId, lease, new Date(now), until);
      if (!found) throw new ApiError("NOT_FOUND");
      if (found !== "held") return found;
      if (performance.now() + pollMs >= deadline) throw locked();
      await Bun.sleep(pollMs);
    }
  }

  function keepRenewing(lease: UploadLease, stopWork: () => void): () => void {
    const timer = setInterval(() => {
      resumableUploads.renew(lease, new Date(Date.now() + leaseMs)).then(
        (isWanted) => {
          if (isWanted !== false) stopWork();
        },
        // What the request writes will fail as well.
        () => {},
      );
    }, renewalMs);
    return () => clearInterval(timer);
  }
}

/** Another request works on the upload, or has taken it over. */
const locked = () => new ApiError("UPLOAD_LOCKED", { headers: { "retry-after": "1" } });
