type Attributes = Readonly<Record<string, string | number | boolean>>;

/** Makes an element. Text is inserted as text, never as HTML: that of tokens is not to be trusted. */
export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false) made.setAttribute(name, value === true ? '' : String(value));
  }
  made.append(...children);
  return made;
}

/** Element of the page with this id. @throws Error where there is none */
export function byId<Type extends HTMLElement = HTMLElement>(id: string): Type {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no #${id}`);
  return found as Type;
}

/** Rows of a list of facts. */
export function facts(all: readonly (readonly [string, string])[]): HTMLElement[] {
  return all.map(([name, value]) => element('div', {}, element('dt', {}, name), element('dd', {}, value)));
}
