// A sitting: the clock, saving on every change, patience with a lost connection. The paper works without it too.

const form = document.querySelector("form[data-sitting]");
if (form) sit(form);

function sit(form) {
  const key = `answers:${form.dataset.sitting}`;
  const address = `${new URL(form.action).pathname}/answers`;
  const timer = form.querySelector("[role=timer]"), bar = form.querySelector(".meter .value"), says = form.querySelector("output");
  const number = Number(form.elements.q.value), revision = form.elements.revision;
  const boxes = [...form.querySelectorAll("input[name=shown]")], lists = [...form.querySelectorAll("select[name=shown]")];
  const words = form.elements.text, flag = form.elements.flagged;
  let waiting = remembered();  // question → the latest answer that the server has not confirmed
  let sending = false, pause = 2000, typing, ends = Date.now() + 1000 * Number(form.dataset.left), over = false;

  function remembered() {
    try {
      for (const name of Object.keys(localStorage)) if (name.startsWith("answers:") && name !== key) localStorage.removeItem(name);
      return JSON.parse(localStorage.getItem(key)) ?? {};
    } catch { return {}; }
  }
  function remember() {
    try {
      if (Object.keys(waiting).length) localStorage.setItem(key, JSON.stringify(waiting)); else localStorage.removeItem(key);
    } catch { /* a browser that keeps nothing still has the queue in memory */ }
  }
  function say(text, kind) {
    says.hidden = false;
    says.className = `tag ${kind}`;
    says.textContent = text;
  }
  function show(answer) {
    for (const box of boxes) box.checked = answer.shown.includes(Number(box.value));
    lists.forEach((list, n) => { list.value = answer.shown[n] ?? 0; });
    if (words) words.value = answer.text ?? "";
    flag.checked = answer.flagged;
    revision.value = Math.max(Number(revision.value), answer.revision + 1);
    drawMap();
  }
  function chosen() {
    return lists.length ? lists.map((list) => Number(list.value)) : boxes.filter((box) => box.checked).map((box) => Number(box.value));
  }
  function drawMap() {
    const place = document.querySelector(".map [aria-current]");
    place?.classList.toggle("answered", chosen().some(Boolean) || Boolean(words?.value.trim()));
    place?.classList.toggle("marked", flag.checked);
  }

  async function send() {
    if (sending) return;
    sending = true;
    for (const [q, answer] of Object.entries(waiting)) {
      let response, reply;
      try {
        response = await fetch(address, {
          method: "POST", keepalive: true, signal: AbortSignal.timeout(10000), body: JSON.stringify(answer),
          headers: { "content-type": "application/json", "x-csrftoken": form.elements._csrf_token.value },
        });
        if (response.status >= 500 || response.status === 429) throw new Error("later");
        reply = await response.json();
      } catch {
        const readable = response && response.status < 500 && response.status !== 429;
        say(readable ? form.dataset.problem : form.dataset.offline, "warn");
        sending = false;
        if (!readable) setTimeout(send, pause = Math.min(pause * 1.5, 15000));
        return;
      }
      pause = 2000;
      if (waiting[q] === answer) delete waiting[q];
      remember();
      if (reply.left !== undefined) ends = Date.now() + 1000 * reply.left;
      if (reply.saved) {
        if (Number(q) === number) revision.value = Math.max(Number(revision.value), reply.revision + 1);
        say(`${form.dataset.saved} ${reply.at}`, "good");
      } else {
        say(reply.message, "warn");
        if (reply.reason === "stale" && Number(q) === number && !waiting[q]) show(reply);
        if (reply.reason === "closed") { location.reload(); return; }
      }
    }
    sending = false;
    if (Object.keys(waiting).length) send();
  }

  function keep() {
    clearTimeout(typing);
    waiting[number] = { q: number, shown: chosen(), text: words?.value ?? "", flagged: flag.checked, revision: Number(revision.value) };
    revision.value = Number(revision.value) + 1;
    remember();
    drawMap();
    say(form.dataset.saving, "");
    send();
  }
  form.addEventListener("change", keep);
  words?.addEventListener("input", () => { clearTimeout(typing); typing = setTimeout(keep, 1500); });
  form.addEventListener("submit", (event) => {
    if (!navigator.onLine) { event.preventDefault(); delete form.dataset.sending; say(form.dataset.offline, "warn"); return; }
    clearTimeout(typing);
    delete waiting[number];  // the form carries it
    remember();
  });
  addEventListener("online", () => { send(); if (over) finish(); });

  function finish() {
    over = true;
    if (navigator.onLine) send().finally(() => document.querySelector("#time-up").submit());
  }
  // How often and how long the paper was not in front; told in sums, shown to people only.
  let left = 0, gone = { times: 0, seconds: 0 };
  function leave() { left ||= Date.now(); }
  function comeBack() {
    if (!left || document.hidden) return;
    const seconds = Math.round((Date.now() - left) / 1000);
    left = 0;
    if (seconds < 1) return;
    gone = { times: gone.times + 1, seconds: gone.seconds + seconds };
    const told = gone;
    gone = { times: 0, seconds: 0 };
    const again = () => { gone = { times: gone.times + told.times, seconds: gone.seconds + told.seconds }; };  // with the next one
    fetch(`${new URL(form.action).pathname}/away`, {
      method: "POST", keepalive: true, body: JSON.stringify(told),
      headers: { "content-type": "application/json", "x-csrftoken": form.elements._csrf_token.value },
    }).then((response) => { if (response.status >= 500) again(); }, again);
  }
  document.addEventListener("visibilitychange", () => { if (document.hidden) leave(); else comeBack(); });
  addEventListener("blur", leave);
  addEventListener("focus", comeBack);

  const spoken = timer.dataset.words, length = Number(form.dataset.length);
  function tick() {
    const left = Math.max(0, Math.round((ends - Date.now()) / 1000)), minutes = Math.floor(left / 60), seconds = left % 60;
    timer.querySelector("b").textContent = `${minutes}:${String(seconds).padStart(2, "0")}`;
    timer.setAttribute("aria-label", spoken.replace("{m}", minutes).replace("{s}", seconds));
    bar.setAttribute("width", `${(100 * left / length).toFixed(1)}%`);
    if (left === 0 && !over) finish();
  }
  setInterval(tick, 1000);

  if (waiting[number]) show(waiting[number]);
  if (Object.keys(waiting).length) send();
}
