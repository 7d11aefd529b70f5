// What the chaos test does on the phone's page. Runs before the page's own scripts: the clock is wrong from the start.
(() => {
  const Real = Date;
  const shift = () => {
    try {
      return Number(window.localStorage.getItem("chaos-shift") || 0);
    } catch {
      return 0;
    }
  };
  window.Date = class extends Real {
    constructor(...given) {
      if (given.length) super(...given);
      else super(Real.now() + shift());
    }
    static now() {
      return Real.now() + shift();
    }
  };

  const pause = (milliseconds) => new Promise((done) => window.setTimeout(done, milliseconds));
  async function until(found, what) {
    for (let left = 500; left > 0; left -= 1) {
      const value = await found();
      if (value) return value;
      await pause(10);
    }
    throw new Error(`never came: ${what}`);
  }
  const module = (name) => {
    const names = performance.getEntriesByType("resource").map((one) => one.name);
    return import(names.find((one) => one.includes(`/js/phone/${name}.`)));
  };
  const tell = (form, name, value) => form.querySelector(`[name="${name}"][value="${value}"]`).click();

  // as a finger does it: from the list to the household, the form, save, and back on the list
  async function form({ household, campaign, outcome, note, picture }) {
    window.location.hash = "#/all";
    await until(() => !document.getElementById("visit") && document.querySelector("#app [type=search]"), "the list");
    window.location.hash = `#/h/${household}/${campaign}`;
    const found = await until(() => {
      if (document.querySelector("#app .app-note")) return "waiting";
      if (!document.querySelector("#app .who")) return null;
      const one = document.getElementById("visit");
      if (!one) return null;
      if (document.querySelector("#app-foot [type=submit]")?.disabled) return "other tab";
      return one.classList.contains("is-live") && one;
    }, "the form");
    if (typeof found === "string") return found;
    tell(found, "outcome", outcome);
    if (outcome === "met") tell(found, "problem", picture ? "yes" : "no");
    if (picture && outcome === "met") {
      tell(found, "problem_root", picture);
      found.elements.problem_text.value = note;
      const canvas = Object.assign(document.createElement("canvas"), { width: 300, height: 200 });
      canvas.getContext("2d").fillText(note, 50, 100);
      const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg"));
      const files = new DataTransfer();
      files.items.add(new File([blob], "photo.jpg", { type: "image/jpeg" }));
      const input = found.elements.problem_photo;
      input.files = files.files;
      input.dispatchEvent(new Event("change", { bubbles: true }));
      const label = document.getElementById("photo-label");
      await until(() => label.textContent === label.dataset.chosen, "the photo");
    }
    found.elements.note.value = note;
    found.elements.note.dispatchEvent(new Event("input", { bubbles: true }));
    document.querySelector("#app-foot [type=submit]").click();
    await until(() => window.location.hash === "#/" || document.querySelector(".save-state--bad"), "the list again");
    if (window.location.hash !== "#/") throw new Error(document.querySelector(".save-state--bad").textContent);
    return "kept";
  }

  async function outbox() {
    const [{ Outbox }, { openVault }] = await Promise.all([module("outbox"), module("vault")]);
    const vault = await openVault(window.localStorage.getItem("phone-user"));
    return new Outbox(vault, {});
  }

  // the same door of the app's modules that the form uses, without its taps
  async function add(entries, kept) {
    const box = await outbox();
    for (const { kind, key, body } of entries) {
      await box.add(kind, key, body, { household: body.household });
      kept.push(key);
    }
    window.dispatchEvent(new Event("focus"));
  }

  window.chaos = { form, add, outbox, kept: [], running: 0, failures: [] };

  // Starts without waiting, so that the tab may be killed in the middle; what is kept can be read at any moment.
  window.chaos.start = (work) => {
    window.chaos.running += 1;
    const doing = work.form
      ? form(work.form).then((how) => {
          if (how === "kept") window.chaos.kept.push(work.form.note);
          else window.chaos.failures.push(how);
        })
      : add(work.entries, window.chaos.kept);
    doing
      .catch((error) => window.chaos.failures.push(String(error)))
      .finally(() => {
        window.chaos.running -= 1;
      });
  };
})();
