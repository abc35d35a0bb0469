// The page around an outside course: says what its frame tells, and believes nobody but the content host.
const frame = document.querySelector("iframe[data-origin]"), says = document.querySelector("[data-course]");
addEventListener("message", (event) => {
  if (event.origin !== frame.dataset.origin || event.source !== frame.contentWindow) return;
  const text = { saved: says.dataset.saved, ended: says.dataset.ended, refused: says.dataset.refused }[event.data?.course];
  if (!text) return;
  says.hidden = false;
  says.textContent = text;
});
frame.src = frame.dataset.src;
frame.hidden = false;
