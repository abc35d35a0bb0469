// The page around an outside course: says what its frame tells, and believes nobody but the content host.
const frame = document.querySelector("iframe[data-origin]"), says = document.querySelector("[data-course]");
const close = document.querySelector("a[data-close]");

addEventListener("message", (event) => {
  if (event.origin !== frame.dataset.origin || event.source !== frame.contentWindow) return;
  if (event.data?.course === "closed") { location.assign(close.href); return; }
  const text = { saved: says.dataset.saved, ended: says.dataset.ended, refused: says.dataset.refused }[event.data?.course];
  if (!text) return;
  says.hidden = false;
  says.textContent = text;
});

// A course says its last word when it is taken away; the next page is to show it.
close.addEventListener("click", (event) => {
  event.preventDefault();
  frame.contentWindow.postMessage({ course: "close" }, frame.dataset.origin);
  setTimeout(() => { frame.src = "about:blank"; }, 400);
  setTimeout(() => location.assign(close.href), 1200);
});

frame.src = frame.dataset.src;
frame.hidden = false;
