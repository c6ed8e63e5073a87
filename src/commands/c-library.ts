import { dlopen, type FFIFunction, type Library } from "bun:ffi";

/** The C libraries of Linux: glibc, and musl by architecture. */
const cLibraries = ["libc.so.6", "libc.musl-x86_64.so.1", "libc.musl-aarch64.so.1"];

/**
 * Opens functions of Linux's C library.
 * @returns undefined on other systems, and where none of the known libraries is installed
 */
export function openCLibrary<Functions extends Record<string, FFIFunction>>(
  functions: Functions,
): Library<Functions>["symbols"] | undefined {
  if (process.platform !== "linux") return undefined;
  for (const name of cLibraries) {
    try {
      return dlopen(name, functions).symbols;
    } catch {
      // Try the next library.
    }
  }
  return undefined;
}
