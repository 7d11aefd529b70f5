// Filter bars: send the form when a choice changes; typed text waits for Enter or the button.
import { each } from "./each.js";

export function startAutosubmit(root) {
  each(root, "form[data-autosubmit]", (form) => {
    form.addEventListener("change", (event) => {
      if (event.target.matches("select, input[type=checkbox], input[type=radio], input[type=date]")) {
        form.requestSubmit ? form.requestSubmit() : form.submit();
      }
    });
    // an empty field says nothing: keep it out of the address
    form.addEventListener("formdata", (event) => {
      for (const [name, value] of [...event.formData.entries()]) {
        if (value === "") event.formData.delete(name);
      }
    });
  });
}
