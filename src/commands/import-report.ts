import { extname } from "node:path";

import { ignoredKinds, type IgnoredKind } from "../folder-import/file-names.ts";
import type { Imported } from "../folder-import/import-file.ts";
import { printable } from "../printable.ts";
import { readableSize } from "../readable-size.ts";
import { counted } from "./counted.ts";

/** Refused files that are listed one by one. */
const maxListed = 10_000;
/** Extensions of ignored files that are listed. */
const maxExtensions = 10;

/** Collects what has become of the files of an import, for a report to the operator. Its memory is bounded. */
export class ImportReport {
  refused = 0;
  #imported = 0;
  #importedBytes = 0;
  #alreadyThere = 0;
  readonly #reasons: string[] = [];
  readonly #ignored = new Map<IgnoredKind, number>();
  readonly #extensions = new Map<string, number>();

  /** @param isPreview whether nothing was imported, to show what would be */
  constructor(readonly isPreview: boolean) {}

  add(kind: Imported["kind"], bytes: number): void {
    if (kind === "already there") this.#alreadyThere += 1;
    else {
      this.#imported += 1;
      this.#importedBytes += bytes;
    }
  }

  /** @param why a sentence */
  refuse(path: string, why: string): void {
    this.refused += 1;
    if (this.#reasons.length < maxListed) this.#reasons.push(`  ${printable(path)}: ${why}`);
  }

  ignore(kind: IgnoredKind, path: string): void {
    this.#ignored.set(kind, (this.#ignored.get(kind) ?? 0) + 1);
    if (kind !== "other") return;
    const extension = printable(extname(path).toLowerCase()) || "without an extension";
    if (this.#extensions.size < 1000 || this.#extensions.has(extension))
      this.#extensions.set(extension, (this.#extensions.get(extension) ?? 0) + 1);
  }

  /** Returns the report. @param account the address of the account */
  text(account: string): string {
    const done = this.isPreview ? "Would import" : "Imported";
    const lines = [
      `${done} ${counted(this.#imported, "files")} (${readableSize(this.#importedBytes)}) for ${account}.`,
    ];
    if (this.#alreadyThere > 0)
      lines.push(`Already there, or the same file twice: ${counted(this.#alreadyThere, "files")}.`);
    for (const [kind, files] of this.#ignored)
      lines.push(`Ignored ${counted(files, "files")}: ${ignoredKinds[kind]}${this.#details(kind)}.`);
    if (this.refused > 0)
      lines.push(`${this.isPreview ? "Would refuse" : "Refused"} ${counted(this.refused, "files")}:`);
    lines.push(...this.#reasons);
    if (this.refused > this.#reasons.length) lines.push(`  and ${this.refused - this.#reasons.length} more`);
    return `${lines.join("\n")}\n`;
  }

  #details(kind: IgnoredKind): string {
    if (kind !== "other") return "";
    const most = [...this.#extensions].sort(([, a], [, b]) => b - a).slice(0, maxExtensions);
    return ` (${most.map(([extension, files]) => `${files} ${extension}`).join(", ")})`;
  }
}
