// Runs on the content host around a SCORM part: API (SCORM 1.2) or API_1484_11 (SCORM 2004), found by the part in the
// window above its own. The data model comes as a table with the page; reports go whole to the launch's own address.
(() => {
  const launch = JSON.parse(document.getElementById("launch").textContent);
  const tell = (what) => parent.postMessage({ course: what }, launch.portal);
  if (!launch.address) { tell("ended"); return; }

  const old = launch.standard === "scorm_12";
  const prefix = old ? "LMS" : "";
  const known = new Map(Object.entries(launch.elements));
  const values = new Map(Object.entries({ ...launch.values, ...launch.reported, ...launch.given }));
  const said = new Map(Object.entries(launch.reported));
  values.delete(old ? "cmi.core.exit" : "cmi.exit");
  values.delete(old ? "cmi.core.session_time" : "cmi.session_time");
  said.delete(old ? "cmi.core.session_time" : "cmi.session_time");
  if (!old) said.delete("adl.nav.request");

  // Every name above an element, with its children: cmi.core, cmi.core.score, cmi.interactions.n …
  const children = new Map();
  for (const name of known.keys()) {
    const path = name.split(".");
    for (let at = 1; at < path.length; at++) {
      const above = path.slice(0, at).join(".");
      if (!children.has(above)) children.set(above, new Set());
      if (path[at] !== "n") children.get(above).add(path[at]);
      else children.get(above).array = true;
    }
  }

  const SENTENCES = old ? {
    0: "No error", 101: "General exception", 201: "Invalid argument error", 202: "Element cannot have children",
    203: "Element not an array. Cannot have count", 301: "Not initialized", 401: "Not implemented error",
    402: "Invalid set value, element is a keyword", 403: "Element is read only", 404: "Element is write only",
    405: "Incorrect data type",
  } : {
    0: "No Error", 101: "General Exception", 102: "General Initialization Failure", 103: "Already Initialized",
    104: "Content Instance Terminated", 111: "General Termination Failure", 112: "Termination Before Initialization",
    113: "Termination After Termination", 122: "Retrieve Data Before Initialization",
    123: "Retrieve Data After Termination", 132: "Store Data Before Initialization",
    133: "Store Data After Termination", 142: "Commit Before Initialization", 143: "Commit After Termination",
    201: "General Argument Error", 301: "General Get Failure", 351: "General Set Failure",
    391: "General Commit Failure", 401: "Undefined Data Model Element", 402: "Unimplemented Data Model Element",
    403: "Data Model Element Value Not Initialized", 404: "Data Model Element Is Read Only",
    405: "Data Model Element Is Write Only", 406: "Data Model Element Type Mismatch",
    407: "Data Model Element Value Out Of Range", 408: "Data Model Dependency Not Established",
  };

  let stage = "before", error = 0, number = launch.number, changed = false, refused = false, timer = 0, sending = Promise.resolve();
  const fail = (code, answer) => { error = code; return answer; };
  const fine = (answer) => { error = 0; return answer; };

  function count(array) {
    let n = 0;
    for (const name of values.keys()) {
      if (name.startsWith(`${array}.`)) n = Math.max(n, 1 + Number.parseInt(name.slice(array.length + 1), 10));
    }
    return n;
  }

  // 0, or the error for a value of that type.
  function wrong(kind, value) {
    const type = launch.types[kind], no = old ? 405 : 406;
    if (type.words) return type.words.includes(value) ? 0 : no;
    if (type.max !== undefined && value.length > type.max) return no;
    if (type.pattern !== undefined && !new RegExp(`^(?:${type.pattern})$`).test(value)) return no;
    if (value !== "" && ((type.low !== undefined && Number(value) < type.low) || (type.high !== undefined && Number(value) > type.high))) return old ? 405 : 407;
    return 0;
  }

  // What is wrong with the indices: the next one may begin a row, none may be left out.
  function indexed(name, setting) {
    const path = name.split(".");
    for (let at = 1; at < path.length; at++) {
      if (!/^\d+$/.test(path[at])) continue;
      const array = path.slice(0, at).join("."), there = count(array), index = Number(path[at]);
      if (index > there || (!setting && index === there)) return old ? 201 : setting ? 351 : 301;
      const starts = known.has(`${array.replace(/\.\d+/g, ".n")}.n.id`);
      if (!old && setting && index === there && starts && path[at + 1] !== "id") return 408;
    }
    return 0;
  }

  const general = (name) => name.replace(/\.\d+(?=\.|$)/g, ".n");

  function get(name) {
    if (stage !== "running") return fail(old ? 301 : stage === "before" ? 122 : 123, "");
    name = String(name ?? "");
    if (name === "") return fail(old ? 201 : 301, "");
    const keyword = name.match(/^(.*)\._(children|count)$/);
    if (keyword) {
      const below = children.get(general(keyword[1]));
      if (keyword[2] === "count") return below?.array ? fine(String(count(keyword[1]))) : fail(old ? (below || known.has(general(keyword[1])) ? 203 : 201) : below ? 301 : 401, "");
      if (!below) return fail(old ? (known.has(general(keyword[1])) ? 202 : 201) : known.has(general(keyword[1])) ? 301 : 401, "");
      return fine([...(below.array ? children.get(`${general(keyword[1])}.n`) : below)].join(","));
    }
    const row = known.get(general(name));
    if (!row) return fail(old ? (name.startsWith("cmi.") ? 201 : 401) : 401, "");
    const place = indexed(name, false);
    if (place) return fail(place, "");
    if (!row[0].includes("r")) return fail(old ? 404 : 405, "");
    if (!values.has(name)) return old ? fine("") : fail(403, "");
    return fine(values.get(name));
  }

  function set(name, value) {
    if (stage !== "running") return fail(old ? 301 : stage === "before" ? 132 : 133, "false");
    name = String(name ?? "");
    value = String(value ?? "");
    if (name === "") return fail(old ? 201 : 351, "false");
    if (/\._(children|count|version)$/.test(name)) return fail(old ? 402 : 404, "false");
    const row = known.get(general(name));
    if (!row) return fail(old ? (name.startsWith("cmi.") ? 201 : 401) : 401, "false");
    if (!row[0].includes("w")) return fail(old ? 403 : 404, "false");
    const place = indexed(name, true);
    if (place) return fail(place, "false");
    const problem = wrong(row[1], value);
    if (problem) return fail(problem, "false");
    if (name === "cmi.comments") value = ((values.get(name) ?? "") + value).slice(0, 4096);  // 1.2 adds to what is there
    values.set(name, value);
    said.set(name, value);
    changed = true;
    timer ||= setTimeout(() => { timer = 0; if (changed) report(false); }, 2000);
    return fine("true");
  }

  function report(finished) {
    if (refused) return false;
    changed = false;
    const body = JSON.stringify({ number: ++number, values: Object.fromEntries(said), finished });
    // A page that is being left may still send what is small; the rest went with the commits before.
    const keepalive = new Blob([body]).size < 60000;
    sending = fetch(launch.state, { method: "POST", headers: { "Content-Type": "application/json" }, body, keepalive, credentials: "omit" })
      .then((answer) => { if (answer.ok) tell(finished ? "ended" : "saved"); else if (answer.status < 500) { refused = true; tell("refused"); } else changed = true; })
      .catch(() => { changed = true; });
    return true;
  }

  const given = (argument) => argument === undefined || argument === null || argument === "";
  function initialize(argument) {
    if (!given(argument)) return fail(201, "false");
    if (stage !== "before") return fail(old ? 101 : stage === "running" ? 103 : 104, "false");
    stage = "running";
    return fine("true");
  }
  function commit(argument) {
    if (!given(argument)) return fail(201, "false");
    if (stage !== "running") return fail(old ? 301 : stage === "before" ? 142 : 143, "false");
    return report(false) ? fine("true") : fail(old ? 101 : 391, "false");
  }
  function finish(argument) {
    if (!given(argument)) return fail(201, "false");
    if (stage !== "running") return fail(old ? 301 : stage === "before" ? 112 : 113, "false");
    stage = "after";
    return report(true) ? fine("true") : fail(old ? 101 : 111, "false");
  }

  if (launch.tracked) {
    window[old ? "API" : "API_1484_11"] = {
      [`${prefix}Initialize`]: initialize,
      [old ? "LMSFinish" : "Terminate"]: finish,
      [`${prefix}GetValue`]: get,
      [`${prefix}SetValue`]: set,
      [`${prefix}Commit`]: commit,
      [`${prefix}GetLastError`]: () => String(error),
      [`${prefix}GetErrorString`]: (code) => SENTENCES[code] ?? "",
      [`${prefix}GetDiagnostic`]: (code) => SENTENCES[given(code) ? error : code] ?? "",
    };
    addEventListener("pagehide", () => { if (changed && stage === "running") report(false); });
  }

  const frame = document.createElement("iframe");
  frame.allowFullscreen = true;
  frame.src = launch.address;
  document.body.append(frame);

  // The portal's page is about to leave: take the part away, so that it says its last word, and wait until that is kept.
  addEventListener("message", async (event) => {
    if (event.origin !== launch.portal || event.source !== parent || event.data?.course !== "close") return;
    frame.remove();
    if (changed && stage === "running") report(false);
    await sending;
    tell("closed");
  });
})();
