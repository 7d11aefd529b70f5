// Whoever logs out leaves no list on the phone: the store is emptied before the form is sent. Only what has not been
// sent yet stays, encrypted, until the same person logs in again.
const USER = "phone-user"; // as in vault.js, which is loaded only where there is something to forget

function holder() {
  try {
    return window.localStorage.getItem(USER);
  } catch {
    return null;
  }
}

export function startLogout(root) {
  root.addEventListener("submit", async (event) => {
    const form = event.target;
    const user = holder();
    if (!user || !form.matches('form[action$="/logout/"]')) return;
    event.preventDefault();
    try {
      const { leave } = await import("./vault.js");
      await leave(user);
      window.localStorage.removeItem(USER);
    } finally {
      form.submit();
    }
  });
}
