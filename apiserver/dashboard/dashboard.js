// Keeps the tables fresh: a stream says that something changed, then the table is fetched and drawn again.
// What comes from an object is only ever set as text.
"use strict";

const TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
const REDRAW_AT_MOST_MS = 250;
const AGES_MS = 10000;
const RETRY_MS = 2000;

const connection = document.getElementById("connection");

function text(cell) {
  return cell === null || cell === "<none>" ? "" : String(cell);
}

function row(cells) {
  const made = document.createElement("tr");
  for (const cell of cells) {
    const one = document.createElement("td");
    one.textContent = text(cell);
    one.dataset.value = text(cell);
    made.append(one);
  }
  return made;
}

async function draw(table) {
  const answer = await fetch(table.dataset.path, { headers: { Accept: TABLE }, cache: "no-store" });
  if (!answer.ok) throw new Error(`${answer.status} ${answer.statusText}`);
  const found = await answer.json();
  table.tBodies[0].replaceChildren(...found.rows.map((one) => row(one.cells)));
  table.dataset.revision = found.metadata.resourceVersion;
}

function keepFresh(table) {
  let stream = null;
  let due = null;

  function soon() {
    due ??= setTimeout(() => {
      due = null;
      draw(table).then(() => say(""), (error) => say(`Lost the server: ${error.message}`));
    }, REDRAW_AT_MOST_MS);
  }

  function open() {
    const query = `?watch=1&resourceVersion=${encodeURIComponent(table.dataset.revision)}`;
    stream = new EventSource(table.dataset.path + query);
    stream.onopen = () => say("");
    stream.onmessage = (message) => {
      if (JSON.parse(message.data).type === "ERROR") again();
      soon();
    };
    stream.onerror = () => {
      say("Lost the server; trying again");
      if (stream && stream.readyState === EventSource.CLOSED) again();
    };
  }

  function close() {
    stream?.close();
    stream = null;
  }

  function again() {
    close();
    setTimeout(() => draw(table).then(open, again), RETRY_MS);
  }

  // A browser has about six connections to a server: a page that nobody sees gives its own back.
  document.addEventListener("visibilitychange", () => {
    close();
    if (!document.hidden) {
      soon();
      open();
    }
  });
  setInterval(() => document.hidden || soon(), AGES_MS);
  open();
}

function say(what) {
  connection.textContent = what;
}

document.querySelectorAll("table[data-path]").forEach(keepFresh);
