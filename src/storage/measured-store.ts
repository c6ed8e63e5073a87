import { ApiError } from "../errors.ts";
import type { Metrics } from "../observability/metrics.ts";
import type { MediaStore } from "./media-store.ts";

/** Wraps a store and counts its calls by operation and result. */
export function measuredStore(store: MediaStore, metrics: Pick<Metrics, "storeCall">): MediaStore {
  async function counted<T>(operation: "put" | "find" | "read" | "delete", call: Promise<T>): Promise<T> {
    try {
      const result = await call;
      metrics.storeCall(store.name, operation, "ok");
      return result;
    } catch (error) {
      metrics.storeCall(store.name, operation, error instanceof ApiError ? error.code : "aborted");
      throw error;
    }
  }
  const { name, mayCompleteLate, makesRenditions, isPublic } = store;
  return {
    name,
    mayCompleteLate,
    makesRenditions,
    isPublic,
    put: (key, file, signal) => counted("put", store.put(key, file, signal)),
    find: (key, signal) => counted("find", store.find(key, signal)),
    read: (key, signal, storeId) => counted("read", store.read(key, signal, storeId)),
    ...(store.md5 && { md5: (key, signal) => counted("find", store.md5!(key, signal)) }),
    delete: (key, storeId, signal) => counted("delete", store.delete(key, storeId, signal)),
  };
}
