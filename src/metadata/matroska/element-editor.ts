import { damaged } from "../damaged.ts";
import type { InPlaceFile } from "../in-place-file.ts";
import { elementAt, elementHeadBytes, unsignedValue, type SizedElement } from "./ebml.ts";
import { voidHeader, type ElementRule } from "./ids.ts";

/** Bytes of a text that are matched; kept texts are shorter. */
const maxTextBytes = 64;

/** Reads the elements of a file and overwrites them in place. */
export class ElementEditor {
  constructor(private readonly file: InPlaceFile) {}

  /**
   * Overwrites everything in an element that its rule does not keep.
   * @param isUsed whether to keep a child that the rules allow; may also overwrite parts of it
   * @returns false if the whole element must be removed
   */
  reduce(
    element: SizedElement,
    rule: ElementRule,
    isUsed: (child: SizedElement, parent: SizedElement) => boolean,
  ): boolean {
    const { body, end } = element;
    const length = end - body;
    if (rule === "integer") return length <= 8;
    if (rule === "float") return length === 0 || length === 4 || length === 8;
    if (rule === "empty") this.file.wipe(body, end);
    else if (rule instanceof RegExp) {
      const text = this.file.read(body, Math.min(maxTextBytes, length)).toString("latin1");
      this.file.wipe(body + (rule.exec(text)?.[0].length ?? 0), end);
    } else if ("bytes" in rule) this.file.wipe(Math.min(body + rule.bytes, end), end);
    else {
      for (const child of this.children(element, this.file.budget.blocks)) {
        const inner = rule.children[child.id];
        if (inner === undefined || !isUsed(child, element) || !this.reduce(child, inner, isUsed))
          this.blank(child.offset, child.end);
      }
    }
    return true;
  }

  /** Yields the children of an element. Blanks trailing bytes that are not an element. */
  *children(parent: SizedElement, allowance = this.file.budget.elements): Generator<SizedElement> {
    for (let offset = parent.body; offset < parent.end;) {
      allowance.spend();
      const head = this.file.readUpTo(offset, Math.min(elementHeadBytes, parent.end - offset));
      const element = elementAt(head, offset);
      if (element?.end === undefined || element.end > parent.end) {
        if (parent.end - offset < 2) this.file.wipe(offset, parent.end);
        else this.blank(offset, parent.end);
        return;
      }
      yield { ...element, end: element.end };
      offset = element.end;
    }
  }

  childOf(parent: SizedElement, id: number): SizedElement | undefined {
    for (const child of this.children(parent, this.file.budget.blocks)) if (child.id === id) return child;
    return undefined;
  }

  /** Reads the unsigned integer in a child element. */
  numberIn(parent: SizedElement, id: number): number | undefined {
    const child = this.childOf(parent, id);
    return child && unsignedValue(this.file.read(child.body, Math.min(8, child.end - child.body)));
  }

  /** Turns a range into a `Void` element with zeros. @throws ApiError DAMAGED_MEDIA for less than two bytes */
  blank(offset: number, end: number): void {
    if (end - offset < 2) throw damaged(`no element at ${offset}`);
    const header = voidHeader(end - offset);
    this.file.write(offset, header);
    this.file.wipe(offset + header.length, end);
  }
}
