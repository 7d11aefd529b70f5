// The ledger at the keyboard: J and K walk the rows, X chooses one, Enter opens it; a tick for the whole page.
const box = document.querySelector("[data-ledger]");
const bulk = document.getElementById("bulk");

function start() {
  const rows = [...box.querySelectorAll("tbody tr")];
  const ticks = [...box.querySelectorAll("input[name=rows]")];
  const all = box.querySelector("[data-pick-all]");
  const count = bulk?.querySelector("[data-picked]");
  let at = -1;

  function tell() {
    const picked = ticks.filter((tick) => tick.checked).length;
    for (const tick of ticks) tick.closest("tr").classList.toggle("is-picked", tick.checked);
    if (all) {
      all.checked = picked > 0 && picked === ticks.length;
      all.indeterminate = picked > 0 && picked < ticks.length;
    }
    if (bulk) {
      bulk.classList.toggle("is-active", picked > 0);
      count.textContent = picked ? `${bulk.dataset.count} ${picked}` : "";
    }
  }

  function walk(step) {
    at = Math.min(Math.max(at + step, 0), rows.length - 1);
    rows[at].querySelector("a").focus();
    rows[at].scrollIntoView({ block: "nearest" });
  }

  all?.addEventListener("change", () => {
    for (const tick of ticks) tick.checked = all.checked;
    tell();
  });
  box.addEventListener("change", tell);
  box.addEventListener("focusin", (event) => {
    at = rows.indexOf(event.target.closest("tr"));
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input:not([type=checkbox]), select, textarea")) return;
    if (event.key === "j") walk(1);
    else if (event.key === "k") walk(-1);
    else if (event.key === "x" && at >= 0 && ticks[at]) {
      ticks[at].checked = !ticks[at].checked;
      tell();
    } else return;
    event.preventDefault();
  });
  tell();
}

if (box) start();
