// Calls `enhance` once for every element matching `selector` in `root` (root itself included).
const done = new WeakMap();

export function each(root, selector, enhance) {
  const found = [...root.querySelectorAll(selector)];
  if (root.matches && root.matches(selector)) found.push(root);
  for (const element of found) {
    const marks = done.get(element) || new Set();
    if (marks.has(selector)) continue;
    done.set(element, marks.add(selector));
    enhance(element);
  }
}
