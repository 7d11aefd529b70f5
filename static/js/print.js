// Buttons that open the browser's print dialog; without scripts its own menu does the same.
for (const button of document.querySelectorAll("[data-print]")) {
  button.addEventListener("click", () => window.print());
}
