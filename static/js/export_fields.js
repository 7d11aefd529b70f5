// The admin's export page: one tick for all fields. import-export's own onchange attribute is refused by our policy.
for (const toggle of document.querySelectorAll("[data-select-all]")) {
  toggle.addEventListener("change", () => {
    for (const box of document.querySelectorAll('.selectable-field-export-row input[type="checkbox"]')) {
      box.checked = toggle.checked;
    }
  });
}
