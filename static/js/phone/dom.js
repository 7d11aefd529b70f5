// Building pages without a template language: h("p.muted", {title}, "text", child, …). Text never becomes markup.
const SVG = "http://www.w3.org/2000/svg";
let sprite = "";

export function setSprite(url) {
  sprite = url;
}

export function h(name, ...rest) {
  const [tag, ...classes] = name.split(".");
  const made = document.createElement(tag || "div");
  if (classes.length) made.className = classes.join(" ");
  const [first] = rest;
  const hasOptions = first && typeof first === "object" && !(first instanceof Node) && !Array.isArray(first);
  if (hasOptions) {
    for (const [key, value] of Object.entries(first)) {
      if (value === undefined || value === null || value === false) continue;
      if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
      else if (key in made && typeof value !== "string") made[key] = value;
      else made.setAttribute(key, value === true ? "" : value);
    }
  }
  append(made, rest.slice(hasOptions ? 1 : 0));
  return made;
}

function append(parent, children) {
  for (const child of children.flat(3)) if (child || child === 0) parent.append(child);
}

export function icon(name, size = "") {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", size ? `icon icon--${size}` : "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `${sprite}#${name}`);
  svg.append(use);
  return svg;
}
