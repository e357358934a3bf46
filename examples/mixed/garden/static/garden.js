// What pages do without being loaded again: they call the typed API, with the same session.

const said = document.querySelector("#said");

function say(text, category = "message") {
  const line = document.createElement("p");
  line.className = `flash ${category}`;
  line.textContent = text;
  said.replaceChildren(line);
}

async function call(method, path, data) {
  const answer = await fetch(path, {
    method,
    headers: {
      "Content-Type": "application/json",
      "X-CSRFToken": document.querySelector("meta[name=csrf-token]").content,
    },
    body: data && JSON.stringify(data),
  });
  if (answer.status === 401) location = document.body.dataset.login;
  const found = await answer.json();
  if (!answer.ok) throw new Error(typeof found.detail === "string" ? found.detail : "That does not fit.");
  return found;
}

async function put(form) {
  const { count, size } = await call("PUT", form.dataset.put, { count: form.count.valueAsNumber });
  document.querySelector("#size").textContent = size;
  say(count ? `${count} in your basket.` : "Taken out of your basket.");
}

async function post(form) {
  await call("POST", form.dataset.post);
  location = form.dataset.then;
}

for (const [selector, act] of [["form[data-put]", put], ["form[data-post]", post]]) {
  for (const form of document.querySelectorAll(selector)) {
    // Until now a click would have sent the form itself, past the API.
    form.querySelector("button").disabled = false;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      act(form).catch((error) => say(error.message, "error"));
    });
  }
}

for (const status of document.querySelectorAll("[data-follow]")) {
  const news = new EventSource(status.dataset.follow);
  news.addEventListener("status", (event) => {
    status.textContent = JSON.parse(event.data);
    if (status.textContent === "sent") news.close();
  });
}
