// What a task writes, shown until the dialog is closed. Its address is #/output/TASK/stdout.

const TAIL = 65536; // bytes of what was written before, and as many characters at most stay on the page
const EVERY_MS = 1000;

const dialog = document.getElementById("output");
const text = dialog.querySelector("pre");
const state = document.getElementById("output-state");
let shown = "";

function wanted() {
  const found = location.hash.match(/^#\/output\/([^/]+)\/(stdout|stderr)$/);
  return found ? { task: decodeURIComponent(found[1]), name: found[2], address: location.hash } : null;
}

async function follow(output) {
  const decoder = new TextDecoder();
  let position = -TAIL;
  while (shown === output.address) {
    let pause = EVERY_MS;
    try {
      const path = `/local/tasks/${encodeURIComponent(output.task)}/output/${output.name}?from=${position}`;
      const answer = await fetch(path);
      if (!answer.ok) {
        state.textContent = "It is not kept any more.";
        return;
      }
      const bytes = await answer.arrayBuffer();
      if (shown !== output.address) return;
      position = Number(answer.headers.get("Output-From")) + bytes.byteLength;
      add(decoder.decode(bytes, { stream: true }));
      const ended = answer.headers.get("Task-Ended") === "true";
      state.textContent = ended ? "The task has ended." : "The task runs.";
      if (bytes.byteLength) pause = 0;
      else if (ended) return;
    } catch {
      state.textContent = "The scheduler does not answer.";
    }
    await new Promise((done) => setTimeout(done, pause));
  }
}

function add(more) {
  if (!more) return;
  const atEnd = text.scrollTop + text.clientHeight >= text.scrollHeight - 4;
  text.textContent = (text.textContent + more).slice(-TAIL);
  if (atEnd) text.scrollTop = text.scrollHeight;
}

function look() {
  const output = wanted();
  shown = output ? output.address : "";
  if (!output) {
    if (dialog.open) dialog.close();
    return;
  }
  document.getElementById("output-name").textContent = `${output.name} of ${output.task}`;
  text.textContent = state.textContent = "";
  if (!dialog.open) dialog.showModal();
  follow(output);
}

export function watchOutput() {
  dialog.addEventListener("close", () => {
    if (wanted()) location.hash = "";
  });
  window.addEventListener("hashchange", look);
  look();
}
