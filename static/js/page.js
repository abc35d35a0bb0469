// Comfort on every page; everything works without it.

// A second click on a button that is already sending does nothing. The server refuses doubles by itself.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sending) { event.preventDefault(); return; }
  form.dataset.sending = "1";
  setTimeout(() => delete form.dataset.sending, 4000);
});
addEventListener("pageshow", () => document.querySelectorAll("form[data-sending]").forEach((form) => delete form.dataset.sending));

// Say at once that a file is too large, before it travels.
document.addEventListener("change", (event) => {
  const input = event.target;
  if (input.type !== "file" || !input.dataset.most) return;
  const tooLarge = [...input.files].some((file) => file.size > Number(input.dataset.most));
  input.setCustomValidity(tooLarge ? input.dataset.tooLarge : "");
  if (tooLarge) input.reportValidity();
});

// Two fields may lack the same thing: the summary then says which link leads to which.
const wrong = [...document.querySelectorAll(".errors a[href^='#f-']")];
wrong.filter((link) => wrong.some((other) => other !== link && other.textContent === link.textContent)).forEach((link) => {
  const field = document.querySelector(link.hash);
  const words = (field?.labels?.[0] ?? field?.querySelector("legend"))?.firstChild?.textContent.trim();
  if (words) link.textContent = `${words}${document.documentElement.lang === "zh-CN" ? "：" : ": "}${link.textContent}`;
});

// After a refused form, the summary of what is wrong is read first.
document.querySelector(".errors")?.focus();
