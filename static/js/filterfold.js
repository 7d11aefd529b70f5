// On a phone a filter bar that begins with a search box shows only that, until it is unfolded or a filter is set.
import { each } from "./each.js";

export function startFilterFolds(root) {
  if (!window.matchMedia("(max-width: 899px)").matches) return;
  each(root, ".filterbar[data-fold]", (bar) => {
    const fields = bar.querySelectorAll(":scope > .field");
    if (fields.length < 3 || !fields[0].querySelector("input[type=search], input[type=text]")) return;
    const unfold = document.createElement("button");
    unfold.type = "button";
    unfold.className = "button button--quiet";
    unfold.textContent = bar.dataset.fold;
    unfold.addEventListener("click", () => {
      bar.classList.remove("filterbar--folded");
      unfold.remove();
      fields[1].querySelector("input, select")?.focus();
    });
    bar.querySelector(".filterbar-actions").append(unfold);
    bar.classList.add("filterbar--folded");
  });
}
