import { api, type SignedInDevice } from "./api.ts";
import { attempt } from "./attempt.ts";
import { askToConfirm } from "./confirm-dialog.ts";
import { deviceName } from "./device-name.ts";
import { button, element } from "./element.ts";
import { namedRow } from "./named-row.ts";
import { pagedList } from "./paged-list.ts";
import { focusSection, section } from "./section.ts";
import { text } from "./texts/text.ts";
import { ago, fullDate } from "./times.ts";

/** The devices on which the user is signed in, each with a button that ends its session. */
export function devicesSection(): HTMLElement {
  const others = button(text("endOthers"), endOthers, { hidden: true });
  const list = pagedList<SignedInDevice>({
    emptyText: "",
    async load() {
      const devices = await api.devices();
      others.hidden = devices.filter(({ current }) => !current).length === 0;
      // The current device comes first, then the one that was used last.
      devices.sort(
        (a, b) => Number(b.current) - Number(a.current) || b.last_used_at.localeCompare(a.last_used_at),
      );
      return { items: devices, next_cursor: null };
    },
    row: (device, gone) =>
      deviceRow(device, () => (gone(), (others.hidden = !part.querySelector("li button")))),
  });
  const part = section(
    "devices",
    text("devices"),
    list.content,
    element("div", { className: "row" }, others),
  );

  async function endOthers(): Promise<void> {
    if (!(await askToConfirm(text("endOthersQuestion"), text("endOthers")))) return;
    await attempt(async () => {
      await api.endOtherSessions();
      await list.restart();
      focusSection(part);
      return text("othersEnded");
    });
  }
  return part;
}

function deviceRow(
  { id, user_agent, last_used_at, current }: SignedInDevice,
  gone: () => void,
): HTMLLIElement {
  const name = deviceName(user_agent);
  const lastUsed = new Date(last_used_at);
  const end = () =>
    attempt(async () => {
      await api.endSession(id);
      gone();
      return text("sessionEnded");
    });
  return namedRow(
    name,
    current
      ? element("span", { className: "badge", textContent: text("thisDevice") })
      : element("small", {
          title: fullDate(lastUsed),
          textContent: text("lastUsed", { time: ago(lastUsed) }),
        }),
    !current &&
      button(text("endSession"), end, { attributes: { "aria-label": text("endSessionOf", { name }) } }),
  );
}
