// Confirmations: <details data-dialog> unfolds in place; where <dialog> exists its body is lifted into one.
import { each } from "./each.js";

export function startDialogs(root) {
  if (!window.HTMLDialogElement) return;
  each(root, "details[data-dialog]", (details) => {
    const summary = details.querySelector("summary");
    summary.addEventListener("click", (event) => {
      event.preventDefault();
      open(details);
    });
  });
}

function open(details) {
  const body = details.querySelector(".confirm-body");
  const dialog = document.createElement("dialog");
  dialog.className = "dialog";
  const title = body.querySelector(".confirm-title");
  if (title) dialog.setAttribute("aria-label", title.textContent);
  dialog.append(...body.childNodes);
  const actions = dialog.querySelector(".dialog-actions, .form-actions");
  const cancel = document.createElement("button");
  cancel.type = "button";
  cancel.className = "button button--secondary";
  cancel.textContent = details.dataset.close;
  cancel.addEventListener("click", () => dialog.close());
  if (actions) actions.prepend(cancel);
  else dialog.append(cancel);
  // give the body back, so that it can be opened again and what was typed is kept
  dialog.addEventListener("close", () => {
    cancel.remove();
    body.append(...dialog.childNodes);
    dialog.remove();
    details.querySelector("summary").focus();
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  // not inside the closed <details>: nothing there is drawn
  document.body.append(dialog);
  dialog.showModal();
}
