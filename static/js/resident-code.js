// Arrived by QR code: the code stands behind the #, which browsers send to no server. Put it into the form and send it.
const form = document.querySelector("[data-code-form]");
const code = decodeURIComponentSafely(location.hash.slice(1));

function decodeURIComponentSafely(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}

if (form && code && !form.querySelector(".field-errors")) {
  history.replaceState(null, "", location.pathname);
  form.elements.code.value = code.slice(0, 60);
  form.requestSubmit ? form.requestSubmit() : form.submit();
}
