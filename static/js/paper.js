// A page made for paper: its button opens the browser's print dialog.
const button = document.getElementById("print");
button.addEventListener("click", () => window.print());
