// Photos are made small before they are sent: a phone's picture has 5 MB, the server keeps a tenth of it.
import { each } from "./each.js";

const LONGEST_SIDE = 2560;
const SMALL_ENOUGH = 400 * 1024;

export async function shrink(file) {
  const image = await createImageBitmap(file, { imageOrientation: "from-image" });
  const scale = Math.min(1, LONGEST_SIDE / Math.max(image.width, image.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(image.width * scale);
  canvas.height = Math.round(image.height * scale);
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.85));
  if (!blob || blob.size >= file.size) return file;
  return new File([blob], file.name.replace(/\.[^.]*$/, "") + ".jpg", { type: "image/jpeg" });
}

export function startShrinking(root) {
  each(root, "input[type=file][data-shrink]", (input) => {
    input.addEventListener("change", async () => {
      const files = [...input.files];
      if (!files.some((file) => file.type.startsWith("image/") && file.size > SMALL_ENOUGH)) return;
      // nothing may be sent in between: the form waits until the pictures are small
      const buttons = [...(input.form?.querySelectorAll("button[type=submit]") || [])].filter((button) => !button.disabled);
      for (const button of buttons) button.disabled = true;
      try {
        const chosen = new DataTransfer();
        for (const file of files) {
          const isLarge = file.type.startsWith("image/") && file.size > SMALL_ENOUGH;
          // what cannot be read here goes as it is: the server says why not
          chosen.items.add(isLarge ? await shrink(file).catch(() => file) : file);
        }
        // chosen anew meanwhile: that choice has its own turn
        if (files.length === input.files.length && files.every((file, at) => file === input.files[at])) {
          input.files = chosen.files;
        }
      } finally {
        for (const button of buttons) button.disabled = false;
      }
    });
  });
}
