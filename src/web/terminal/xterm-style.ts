/**
 * Where xterm.js makes style elements and style attributes, which a content security policy without 'unsafe-inline'
 * forbids, these two stand in; build.ts puts them there. Style sheets and declarations set by script are allowed.
 */

/** In place of a style element, which may not even be empty, a template: it shows nothing, and its text is a style sheet of the document. */
export function createStyleElement(document: Document): HTMLElement {
  const sheet = new CSSStyleSheet();
  const element = document.createElement("template");
  document.adoptedStyleSheets.push(sheet);
  Object.defineProperty(element, "textContent", { set: (text: string) => sheet.replaceSync(text) });
  element.remove = () => {
    const at = document.adoptedStyleSheets.indexOf(sheet);
    if (at >= 0) document.adoptedStyleSheets.splice(at, 1);
    HTMLElement.prototype.remove.call(element);
  };
  return element;
}

export function setStyle(element: HTMLElement, text: string): void {
  element.style.cssText = text;
}
