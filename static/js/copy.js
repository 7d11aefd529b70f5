// Copy buttons. The button is shown only where this runs; the text can always be selected by hand.
import { each } from "./each.js";

const AGAIN_AFTER = 2000;

export function startCopy(root) {
  each(root, "[data-copy]", (box) => {
    const button = box.querySelector("button");
    const source = box.querySelector(".copy-text");
    const label = button.querySelector("span");
    const before = label.textContent;
    button.hidden = false;
    button.addEventListener("click", async () => {
      const copied = await write(source);
      label.textContent = copied ? box.dataset.done : box.dataset.failed;
      setTimeout(() => (label.textContent = before), AGAIN_AFTER);
    });
  });
}

async function write(source) {
  const text = source.value === undefined ? source.textContent : source.value;
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // no permission, or a page without https, as inside a district's own network
    const range = document.createRange();
    range.selectNodeContents(source);
    const selection = window.getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
    if (source.select) source.select();
    return document.execCommand("copy");
  }
}
