"use strict";

const maxModels = 3;
const batchSize = 32;
const element = (id) => document.getElementById(id);

function make(name, text, parent) {
  const node = document.createElement(name);
  if (text !== undefined) node.textContent = text;
  if (parent) parent.append(node);
  return node;
}

function headers() {
  const key = element("key").value.trim();
  return key ? { Authorization: "Bearer " + key } : {};
}

async function read(response) {
  const text = await response.text();
  let value;
  try { value = JSON.parse(text); } catch { value = undefined; }
  if (!response.ok) throw new Error(value?.error ?? "the server answers " + response.status);
  return value;
}

async function loadModels() {
  const box = element("models");
  try {
    const models = await read(await fetch("models", { headers: headers() }));
    box.replaceChildren(make("legend", models.length > maxModels ? "Models, up to three" : "Models"));
    models.forEach((model, index) => {
      const label = make("label", undefined, box);
      const input = make("input", undefined, label);
      input.type = "checkbox";
      input.value = model.model_id;
      input.checked = index < maxModels;
      input.dataset.batch = model.max_client_batch_size;
      input.dataset.kind = Object.keys(model.model_type)[0];
      label.append(" " + model.model_id);
    });
    limitModels();
    element("message").textContent = "";
  } catch (error) {
    element("message").textContent = error.message;
  }
}

function limitModels() {
  const boxes = [...element("models").querySelectorAll("input")];
  const isFull = boxes.filter((box) => box.checked).length >= maxModels;
  for (const box of boxes) box.disabled = isFull && !box.checked;
}

function showScores(scores, parent, most = 10) {
  for (const { score, label } of scores.slice(0, most)) {
    const row = make("div", undefined, parent);
    row.className = "score";
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const bar = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    bar.setAttribute("height", "100%");
    bar.setAttribute("width", Math.max(0, Math.min(1, score)) * 100 + "%");
    svg.append(bar);
    row.append(svg);
    make("span", label, row);
    make("span", score.toFixed(3), row);
  }
}

// Offsets are of characters (code points), which JavaScript's strings do not count.
function showEntities(text, entities, parent) {
  const characters = [...text];
  const quote = make("blockquote", undefined, parent);
  let place = 0;
  for (const entity of entities) {
    if (entity.start < place) continue;
    quote.append(characters.slice(place, entity.start).join(""));
    const mark = make("mark", characters.slice(entity.start, entity.end).join(""), quote);
    make("small", (entity.entity_group ?? entity.entity) + " " + entity.score.toFixed(2), mark);
    place = entity.end;
  }
  quote.append(characters.slice(place).join(""));
}

async function ask(name, endpoint, body) {
  return read(await fetch("models/" + encodeURIComponent(name) + "/" + endpoint, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers() },
    body: JSON.stringify(body),
  }));
}

// How similar each text is to the first one, the most similar first.
async function compare(name, texts, size) {
  const [source, ...others] = texts;
  const values = [];
  // The first text counts among those of a request.
  const step = Math.max(1, size - 1);
  for (let first = 0; first < others.length; first += step) {
    values.push(...await ask(name, "similarity", {
      inputs: { source_sentence: source, sentences: others.slice(first, first + step) },
      parameters: { truncate: true },
    }));
  }
  return others.map((label, index) => ({ label, score: values[index] })).sort((a, b) => b.score - a.score);
}

async function similar(name, texts, size, section) {
  const time = make("p", "…", section);
  time.className = "time";
  if (texts.length < 2) {
    time.textContent = "Write two texts or more: the others are compared with the first.";
    return;
  }
  const start = performance.now();
  try {
    const scores = await compare(name, texts, size);
    time.textContent = (performance.now() - start).toFixed(1) + " ms; cosine similarity to the first text";
    const article = make("article", undefined, section);
    make("blockquote", texts[0], article);
    showScores(scores, article, scores.length);
  } catch (error) {
    time.textContent = error.message;
  }
}

async function predict(name, texts, size, section) {
  const time = make("p", "…", section);
  time.className = "time";
  const start = performance.now();
  try {
    const answers = [];
    for (let first = 0; first < texts.length; first += size) {
      const part = texts.slice(first, first + size);
      answers.push(...await ask(name, "predict", { inputs: part.map((text) => [text]), truncate: true }));
    }
    time.textContent = (performance.now() - start).toFixed(1) + " ms";
    texts.forEach((text, index) => {
      const article = make("article", undefined, section);
      const answer = answers[index];
      if (answer.length && "label" in answer[0]) {
        make("blockquote", text, article);
        showScores(answer, article);
      } else {
        showEntities(text, answer, article);
      }
    });
  } catch (error) {
    time.textContent = error.message;
  }
}

element("models").addEventListener("change", limitModels);
element("key").addEventListener("change", loadModels);
element("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const texts = element("texts").value.split("\n").map((line) => line.trim()).filter(Boolean);
  const chosen = [...element("models").querySelectorAll("input:checked")];
  element("message").textContent =
    !texts.length ? "Write a text first." : !chosen.length ? "Choose a model." : "";
  element("results").replaceChildren();
  if (!texts.length || !chosen.length) return;
  element("send").disabled = true;
  const columns = chosen.map((box) => {
    const section = make("section", undefined, element("results"));
    make("h2", box.value, section);
    const show = box.dataset.kind === "embedding" ? similar : predict;
    return show(box.value, texts, Number(box.dataset.batch) || batchSize, section);
  });
  await Promise.all(columns);
  element("send").disabled = false;
});
loadModels();
