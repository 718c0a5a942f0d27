// What moves in the web edition: explorers, predictions, trainings, and the page of the learner's progress.
// The states of a scene were drawn when the site was built (teaching/web/states.py); here they are loaded and shown.
"use strict";
(() => {
  const KEPT = "vanishing-gradients-course"; // in the browser's own storage: a list of events, as utils/progress.py has it
  const PREDICTION = "prediction";
  const ASKING = "course-asking"; // the class of a prediction without its answer: the saved picture, a card for paper, is covered
  const MARK = 100; // ms between two pictures of a training that plays
  const PHONE = matchMedia("screen and (max-width: 767px)"); // as in page.py: then the drawings for a phone are shown
  const SMALLEST = 0.8; // of its size: a formula or a table that is too wide for a phone
  const PATIENCE = 300; // ms until a picture that does not come says so
  const REST = 150; // ms without a move, after which what the next one may show is loaded
  const SPOKEN = 4000; // ms until the words of a picture leave the live region; the picture keeps them

  // ---- storage: a browser may forbid it, and then nothing is kept and the progress page says so

  const storage = (() => {
    try {
      const key = `${KEPT}-try`;
      localStorage.setItem(key, "1");
      localStorage.removeItem(key);
      return localStorage;
    } catch {
      return null;
    }
  })();

  function events() {
    try {
      const found = JSON.parse(storage?.getItem(KEPT) ?? "[]");
      return Array.isArray(found) ? found : [];
    } catch {
      return []; // spoiled by something else
    }
  }

  function record(event) {
    const rest = events().filter((old) => !(old.chapter === event.chapter && old.kind === event.kind && old.name === event.name));
    storage?.setItem(KEPT, JSON.stringify([...rest, { ...event, time: new Date().toISOString() }]));
  }

  // ---- loading: a block of states is a script, which a page from a folder (file://) may load as well

  const waiting = new Map(); // "scene/number" -> what takes the block when it comes
  window.courseStates = (scene, number, packed) => waiting.get(`${scene}/${number}`)?.(packed);

  async function unpack(packed) {
    if (!window.DecompressionStream) throw new Error("this browser is too old to unpack it");
    const bytes = Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));
    const plain = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(plain).json();
  }

  function loadBlock(drawing, number) {
    return new Promise((resolve, reject) => {
      waiting.set(`${drawing.name}/${number}`, resolve);
      const script = element("script", { src: `${drawing.folder}/b${number}.js`, async: "" });
      script.onerror = () => reject(new Error("it could not be loaded; is there a connection?"));
      script.onload = () => script.remove();
      document.head.append(script);
    }).then(unpack);
  }

  async function loadFrame({ folder, width, height }, number) {
    const image = element("img", { src: `${folder}/f${number}.png`, width, height });
    // Decoded first, else the browser would show new data in an old frame.
    await image.decode().catch(() => { throw new Error("it could not be loaded; is there a connection?"); });
    return image;
  }

  // Return what a map holds of a key, or a promise of it, which is loaded once; what fails is forgotten, so that the next move tries again.
  function once(map, key, load) {
    if (!map.has(key)) {
      const coming = load().then((found) => {
        map.set(key, found);
        return found;
      });
      map.set(key, coming);
      coming.catch(() => map.delete(key));
    }
    return map.get(key);
  }

  function element(tag, attributes = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children);
    return made;
  }

  // ---- a scene: a picture, and the states that it can show

  class Scene {
    constructor(box) {
      this.box = box;
      this.name = box.dataset.scene;
      this.folder = box.dataset.folder;
      this.facts = JSON.parse(box.querySelector("script").textContent);
      this.picture = box.querySelector(".course-picture");
      this.saved = this.image = this.picture.firstElementChild; // a <picture>, which chooses between its two drawings
      this.words = element("p", { class: "course-words", "aria-live": "polite" });
      this.message = element("p", { class: "course-message", role: "alert", hidden: "" });
      this.bar = element("div", { class: "course-controls" });
      box.prepend(this.bar, this.message);
      box.append(this.words);
      this.wanted = null;
      this.choose();
      PHONE.addEventListener("change", () => {
        this.choose();
        delete this.box.dataset.shown;
        if (this.wanted !== null) this.show(this.wanted);
      });
    }

    // Take the states that were drawn for this screen.
    choose() {
      const { width, height, narrow } = this.facts, mark = PHONE.matches ? "-narrow" : "";
      this.drawing = { name: this.name + mark, folder: this.folder + mark, ...(PHONE.matches ? narrow : { width, height }) };
      this.blocks = new Map(); // number -> promise of a block, or the block when it is there
      this.frames = new Map(); // likewise for images
    }

    blockOf(place) {
      const { shape, edges } = this.facts;
      return place.reduce((sum, at, i) => sum * Math.ceil(shape[i] / edges[i]) + Math.floor(at / edges[i]), 0);
    }

    // Return the block and the image of a state, or a promise of them.
    load(place) {
      const { blocks, frames, drawing } = this; // these, also if the screen is turned before all has come
      const number = this.blockOf(place);
      const withImage = (block) => {
        const [frame] = block.states[String(place)];
        const image = once(frames, frame, () => loadFrame(drawing, frame));
        return image instanceof Promise ? image.then((come) => ({ block, image: come })) : { block, image };
      };
      const block = once(blocks, number, () => loadBlock(drawing, number));
      return block instanceof Promise ? block.then(withImage) : withImage(block);
    }

    isThere(place) {
      const block = this.blocks.get(this.blockOf(place));
      const image = block && !(block instanceof Promise) && this.frames.get(block.states[String(place)][0]);
      return Boolean(image) && !(image instanceof Promise);
    }

    // Load what the next two steps of any control would show, one after the other, until something else is wanted.
    async fetchAround(place) {
      const wanted = this.wanted;
      for (const step of [1, -1, 2, -2]) {
        for (const [i, length] of this.facts.shape.entries()) {
          if (this.wanted !== wanted || place[i] + step < 0 || place[i] + step >= length) continue;
          const there = place.map((at, j) => (j === i ? at + step : at));
          await Promise.resolve(this.load(there)).catch(() => {}); // a move that needs it will tell
        }
      }
    }

    // Show the state at a place: at once if it is there, else as soon as it has come.
    show(place) {
      this.wanted = place;
      if (this.isThere(place)) return this.draw(place, this.load(place));
      // One at a time: the states that a slider passes meanwhile would keep the line from where it comes to rest.
      this.loading ??= this.catchUp().finally(() => { this.loading = null; });
      return this.loading;
    }

    isBehind() {
      return this.wanted !== null && String(this.wanted) !== this.box.dataset.shown;
    }

    async catchUp() {
      const slow = setTimeout(() => this.box.classList.add("course-waiting"), PATIENCE);
      while (this.isBehind()) {
        const { wanted, drawing } = this;
        try {
          const found = await this.load(wanted);
          if (drawing === this.drawing && this.isBehind()) this.draw(wanted, found);
        } catch (error) {
          if (wanted !== this.wanted) continue;
          this.message.textContent = `The picture did not change: ${error.message}`;
          this.message.hidden = false;
          break;
        }
      }
      clearTimeout(slow);
      this.box.classList.remove("course-waiting");
    }

    draw(place, { block, image }) {
      const [, parts, words, outcome] = block.states[String(place)];
      this.message.hidden = true;
      this.put(image, parts.map((part) => block.parts[part]).join(""), words);
      this.box.dataset.shown = String(place);
      this.outcome = outcome;
      this.say(words);
      clearTimeout(this.ahead);
      this.ahead = setTimeout(() => this.fetchAround(place), REST);
    }

    // Put an image, and data over it, in the place of what is shown.
    put(image, data, words) {
      if (image !== this.saved) image.alt = words;
      if (this.image !== image) this.image.replaceWith(image);
      this.image = image;
      this.picture.querySelector("svg")?.remove();
      if (data) image.insertAdjacentHTML("afterend", data);
    }

    reset() {
      this.wanted = null;
      this.put(this.saved, "");
      delete this.box.dataset.shown;
    }

    say(words) {
      this.words.textContent = words;
      clearTimeout(this.silence);
      this.silence = setTimeout(() => { this.words.textContent = ""; }, SPOKEN);
    }
  }

  // ---- controls

  function slider(control, id, act) {
    const last = control.values.length - 1;
    const input = element("input", { type: "range", id, min: 0, max: last, step: 1, value: control.start ?? 0, "aria-label": control.name });
    const output = element("output", { for: id });
    const tell = () => {
      output.textContent = control.values[input.value];
      input.setAttribute("aria-valuetext", control.values[input.value]);
    };
    tell();
    input.addEventListener("input", () => { tell(); act(); });
    const label = element("label", { for: id });
    label.innerHTML = control.html;
    return { node: element("div", { class: "course-control" }, label, input, output), at: () => Number(input.value) };
  }

  function choice(control, id, act, legend) {
    const inputs = control.values.map((value, i) => element("input", { type: "radio", name: id, id: `${id}-${i}`, value: i }));
    inputs.forEach((input, i) => {
      input.checked = i === control.start;
      input.addEventListener("change", act);
    });
    const labels = inputs.map((input, i) => element("label", { for: input.id }, input, ` ${control.values[i]}`));
    const node = element("fieldset", { class: "course-control" }, legend ?? element("legend", {}, control.name), ...labels);
    return { node, inputs, at: () => inputs.findIndex((input) => input.checked) };
  }

  function explorer(scene) {
    const controls = scene.facts.controls.map((control, i) => {
      const id = `${scene.name.replace("/", "-")}-${i}`;
      const make = control.slider ? slider : choice;
      return make(control, id, () => scene.show(controls.map((each) => each.at())));
    });
    scene.bar.append(...controls.map((control) => control.node));
    // Whoever reaches for a control will move it: its states begin to come.
    const soon = () => scene.fetchAround(controls.map((control) => control.at()));
    scene.bar.addEventListener("focusin", soon, { once: true });
    scene.bar.addEventListener("pointerenter", soon, { once: true });
  }

  function prediction(scene) {
    const { question, controls: [control] } = scene.facts;
    const chapter = Number(/\d+/.exec(scene.name)[0]);
    const told = element("b", { class: "course-outcome" });
    const reveal = element("button", { type: "button" }, "Reveal");
    const again = element("button", { type: "button", hidden: "" }, "Guess again");
    const id = `${scene.name.replace("/", "-")}-guess`;
    const guess = control.slider
      ? slider({ ...control, name: "Your guess", html: "Your guess", start: 0 }, id, () => {})
      : choice(control, id, () => { reveal.disabled = false; }, element("legend", { class: "course-question" }, question));
    reveal.disabled = !control.slider;
    // What stands below the question, up to the next cell or heading, gives the answer away: it comes with the picture.
    const below = [];
    for (let next = scene.box.closest(".cell")?.nextElementSibling; next && !next.matches(".cell, section"); next = next.nextElementSibling) below.push(next);
    const ask = (asking) => {
      scene.box.classList.toggle(ASKING, asking);
      for (const part of below) part.hidden = asking;
    };
    ask(true);
    const inputs = [...guess.node.querySelectorAll("input")];
    async function show() {
      await scene.show([guess.at()]);
      if (scene.box.dataset.shown === undefined) return;
      told.textContent = scene.outcome;
      ask(false);
      [reveal.disabled, again.hidden] = [true, false];
      for (const input of inputs) input.disabled = true;
      record({ chapter, kind: PREDICTION, name: question, guess: guess.at() });
    }
    reveal.addEventListener("click", show);
    again.addEventListener("click", () => {
      scene.reset();
      ask(true);
      [told.textContent, again.hidden, reveal.disabled] = ["", true, false];
      for (const input of inputs) input.disabled = false;
      inputs[Math.max(guess.at(), 0)].focus();
    });
    const buttons = element("div", { class: "course-buttons" }, reveal, again, told);
    scene.bar.append(...(control.slider ? [element("p", {}, element("b", {}, question))] : []), guess.node, buttons);
    // A guess of an earlier visit comes back, when its place comes into view.
    const old = events().find((event) => event.chapter === chapter && event.kind === PREDICTION && event.name === question);
    if (Number.isInteger(old?.guess) && old.guess < control.values.length) {
      if (control.slider) {
        inputs[0].value = old.guess;
        inputs[0].dispatchEvent(new Event("input")); // what stands beside it follows
      } else inputs[old.guess].checked = true;
      new IntersectionObserver((entries, observer) => {
        if (entries.some((entry) => entry.isIntersecting)) {
          observer.disconnect();
          show();
        }
      }).observe(scene.box);
    }
  }

  function training(scene) {
    const { controls: [{ values }], steps } = scene.facts;
    const play = element("button", { type: "button" }, "Play the training");
    const stop = element("button", { type: "button", disabled: "" }, "Stop");
    const progress = element("progress", { max: steps, value: values.at(-1), "aria-label": "steps" });
    const status = element("span", {}, `${values.at(-1)} steps`);
    let timer = null;
    function end(words) {
      clearInterval(timer);
      status.textContent = words;
      [play.disabled, stop.disabled] = [false, true];
    }
    play.addEventListener("click", async () => {
      let at = -1;
      [play.disabled, stop.disabled] = [true, false];
      stop.focus();
      await Promise.all(values.map((_, i) => scene.load([i]))).catch(() => {});
      if (stop.disabled) return; // pressed meanwhile
      timer = setInterval(() => {
        at += 1;
        scene.show([at]);
        progress.value = values[at];
        status.textContent = `step ${values[at]} of ${steps}`;
        if (at === values.length - 1) end(`${values[at]} steps`);
      }, MARK);
    });
    stop.addEventListener("click", () => end(`stopped after ${progress.value} steps`));
    scene.bar.append(element("div", { class: "course-buttons" }, play, stop, progress, status));
  }

  // ---- the page of the learner's progress

  function showProgress(box) {
    const chapters = JSON.parse(box.dataset.chapters);
    const done = events().filter((event) => event.kind === PREDICTION);
    for (const row of chapters) {
      const names = new Set(done.filter((event) => event.chapter === row.chapter).map((event) => event.name));
      row.made = Math.min(names.size, row.predictions); // an older edition may have asked more
    }
    const link = ({ chapter, title, page }) => element("a", { href: page }, `${chapter} · ${title}`);
    const [made, among] = ["made", "predictions"].map((key) => chapters.reduce((sum, row) => sum + row[key], 0));
    // As progress.show() has it: go on where the last guess was, or at the first chapter after it with an open one.
    const last = done.at(-1)?.chapter ?? 0;
    const next = [...chapters.filter((row) => row.chapter >= last), ...chapters].find((row) => row.made < row.predictions);
    const step = next ? ["Next: chapter ", link(next), element("br"), `Predictions made: ${made} of ${among}`]
      : [`Every prediction is made, ${made} of ${among}.`];
    const remark = storage ? "Kept by this browser, on this device. It is sent to nobody." : "This browser keeps nothing for pages like this one.";
    const head = element("tr", {}, ...["chapter", "predictions made"].map((name) => element("th", { scope: "col" }, name)));
    const rows = chapters.map((row) => element("tr", {}, element("th", { scope: "row" }, link(row)), element("td", {}, `${row.made} of ${row.predictions}`)));
    const clear = element("button", { type: "button" }, "Forget all");
    clear.addEventListener("click", () => {
      storage?.removeItem(KEPT);
      showProgress(box);
    });
    const table = element("table", { class: "table" }, element("thead", {}, head), element("tbody", {}, ...rows));
    box.replaceChildren(element("p", {}, ...step), table, element("p", {}, remark), clear);
  }

  const kinds = { explore: explorer, predict: prediction, train: training };
  for (const box of document.querySelectorAll(".course-scene")) {
    const scene = new Scene(box);
    kinds[scene.facts.kind](scene);
  }
  // A picture that is wider than the page can be scrolled with the keys; one that fits is no stop on the way.
  const watch = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      if (target.scrollWidth > target.clientWidth) target.setAttribute("tabindex", "0");
      else target.removeAttribute("tabindex");
    }
  });
  for (const box of document.querySelectorAll(".course-picture")) watch.observe(box);

  // A formula or a table that is a little wider than a phone is set smaller (--fit, in course.css). A much wider one scrolls.
  function fit(boxes) {
    for (const box of boxes) box.style.setProperty("--fit", 1);
    const shares = boxes.map((box) => box.clientWidth / box.scrollWidth);
    boxes.forEach((box, i) => {
      if (shares[i] < 1) box.style.setProperty("--fit", Math.max(0.97 * shares[i], SMALLEST));
    });
  }
  // In the next frame, since what is set smaller is less high, too, and observed.
  const room = new ResizeObserver((entries) => requestAnimationFrame(() => fit(entries.map(({ target }) => target))));
  const tables = [...document.querySelectorAll(".bd-article table")].map((table) => table.closest(".output, .pst-scrollable-table-container"));
  for (const box of [...document.querySelectorAll(".course-formula"), ...tables]) if (box) room.observe(box);
  for (const cell of document.querySelectorAll(".cell_output td")) {
    if (/^-?[\d.]+e-\d+$/.test(cell.textContent)) cell.style.whiteSpace = "nowrap"; // else 1e-07 may be broken behind its minus
  }

  // Paper is white, also where the screen is dark.
  const root = document.documentElement;
  let theme = null;
  addEventListener("beforeprint", () => { [theme, root.dataset.theme] = [root.dataset.theme, "light"]; });
  addEventListener("afterprint", () => { root.dataset.theme = theme; });

  const overview = document.getElementById("course-progress");
  if (overview) showProgress(overview);
  root.dataset.course = "ready";
})();
