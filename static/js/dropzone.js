// File fields: drop a file on them, and see which one was chosen.
import { each } from "./each.js";

export function startDropzones(root) {
  each(root, "[data-dropzone]", (zone) => {
    const input = zone.querySelector("input[type=file]");
    const name = zone.querySelector("[data-name]");
    const show = (text, wrong) => {
      name.textContent = text;
      name.hidden = !text;
      zone.classList.toggle("is-wrong", wrong);
    };
    zone.classList.add("is-enhanced");
    input.addEventListener("change", () => {
      const files = [...input.files].map((file) => `${file.name} (${size(file.size)})`);
      show(files.length ? `${zone.dataset.chosen} ${files.join(", ")}` : "", false);
    });
    for (const kind of ["dragenter", "dragover"]) {
      zone.addEventListener(kind, (event) => {
        event.preventDefault();
        zone.classList.add("is-over");
      });
    }
    for (const kind of ["dragleave", "drop"]) {
      zone.addEventListener(kind, () => zone.classList.remove("is-over"));
    }
    zone.addEventListener("drop", (event) => {
      event.preventDefault();
      const files = event.dataTransfer.files;
      if (!files.length) return;
      if (![...files].every((file) => accepts(input.accept, file.name))) {
        show(zone.dataset.wrong, true);
        return;
      }
      input.files = files;
      input.dispatchEvent(new Event("change", { bubbles: true }));
    });
  });
}

function accepts(accept, name) {
  const endings = accept.split(",").map((part) => part.trim().toLowerCase()).filter((part) => part.startsWith("."));
  return !endings.length || endings.some((ending) => name.toLowerCase().endsWith(ending));
}

function size(bytes) {
  return bytes < 1024 * 1024 ? `${Math.max(1, Math.round(bytes / 1024))} KB` : `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}
