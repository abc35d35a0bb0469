// Passkeys: the browser asks the authenticator, then sends an ordinary form. Nothing else needs this file.

const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const described = (list) => list?.map((one) => ({ ...one, id: bytes(one.id) }));

async function ask(form, options) {
  if (form.dataset.passkey === "make") {
    const made = await navigator.credentials.create({ publicKey: {
      ...options, challenge: bytes(options.challenge), user: { ...options.user, id: bytes(options.user.id) },
      excludeCredentials: described(options.excludeCredentials) } });
    return { id: made.id, rawId: text(made.rawId), type: made.type, response: {
      clientDataJSON: text(made.response.clientDataJSON), attestationObject: text(made.response.attestationObject) } };
  }
  const used = await navigator.credentials.get({ publicKey: {
    ...options, challenge: bytes(options.challenge), allowCredentials: described(options.allowCredentials) } });
  return { id: used.id, rawId: text(used.rawId), type: used.type, response: {
    clientDataJSON: text(used.response.clientDataJSON), authenticatorData: text(used.response.authenticatorData),
    signature: text(used.response.signature), userHandle: used.response.userHandle && text(used.response.userHandle) } };
}

if (window.PublicKeyCredential) document.querySelectorAll("[data-no-passkey]").forEach((note) => { note.hidden = true; });

for (const form of document.querySelectorAll("form[data-passkey]")) {
  if (!window.PublicKeyCredential) continue;
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const failed = form.querySelector("[role=alert]");
    failed.hidden = true;
    try {
      const token = new FormData();
      token.set("_csrf_token", form.elements._csrf_token.value);
      const answer = await fetch(`${form.getAttribute("action")}/options`, { method: "POST", body: token });
      if (!answer.ok) throw new Error(answer.statusText);
      form.elements.credential.value = JSON.stringify(await ask(form, await answer.json()));
      form.submit();
    } catch {
      failed.hidden = false;
      delete form.dataset.sending;
    }
  });
}
