import type { Settings } from "./settings.ts";

/** What stands in the middle of the page for a tab. It lives as long as the tab. */
export interface Panel {
  readonly element: HTMLElement;
  /** It is in front from here on, or is not any more. */
  show(isShown: boolean): void;
  focus(): void;
  apply(settings: Settings): void;
  close(): void;
}

/** The element of a panel, hidden until it is shown. */
export function createPanelElement(id: string, label: string): HTMLElement {
  const element = document.createElement("section");
  element.id = `panel-${id}`;
  element.className = "panel";
  element.hidden = true;
  element.setAttribute("aria-label", label);
  return element;
}
