// What ipywidgets leaves out, mended in the page of one widget of the course; `this` is the <style> that page.py writes.
// ipywidgets gives the handle of a slider no name, does not tell which button is pressed, and makes a group of its own
// of every radio button. And a picture of two layers is to be read as one, by its words.
const root = this.closest(".course-widget");
if (!root || "mended" in root.dataset) return;
root.dataset.mended = Math.random().toString(36).slice(2);

const tell = (element, attributes) => {
  for (const [name, value] of Object.entries(attributes)) {
    if (element.getAttribute(name) !== `${value}`) element.setAttribute(name, value); // the observer below must come to rest
  }
};
const nameOf = (row) => {
  const label = row.querySelector(".widget-label");
  return label?.title || label?.textContent || "";
};

const mendRow = (row, number) => {
  const name = nameOf(row);
  const readout = row.querySelector(".widget-readout");
  for (const handle of row.querySelectorAll(".ui-slider-handle")) { // of ipywidgets 7, which has not even the role
    tell(handle, {role: "slider", "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": Math.round(parseFloat(handle.style.left))});
  }
  for (const handle of row.querySelectorAll("[role=slider]")) {
    tell(handle, {"aria-label": name, "aria-valuetext": readout?.textContent ?? ""}); // its own would be an option's number
  }
  if (readout?.isContentEditable) tell(readout, {role: "textbox", "aria-label": `${name}, typed in`});
  for (const radios of row.querySelectorAll(".widget-radio-box")) tell(radios, {role: "radiogroup", "aria-label": name});
  for (const radio of row.querySelectorAll("[type=radio]")) tell(radio, {name: `${root.dataset.mended}-${number}`});
  if (row.matches(".widget-toggle-buttons")) tell(row, {role: "group", "aria-label": name});
  for (const bar of row.querySelectorAll(".progress")) {
    const done = Math.round(parseFloat(bar.firstElementChild.style.width) || 0);
    tell(bar, {role: "progressbar", "aria-label": name || "progress", "aria-valuenow": done});
  }
};

const announcer = root.appendChild(document.createElement("div"));
announcer.className = "picture-announcer";
tell(announcer, {"aria-live": "polite"});
let waiting = null;
const announce = (words) => {
  clearTimeout(waiting); // of a slider on its way, only where it comes to rest; and then no second text beside the picture
  waiting = setTimeout(() => {
    announcer.textContent = words;
    waiting = setTimeout(() => { announcer.textContent = ""; }, 3000);
  }, 400);
};

const mend = () => {
  root.querySelectorAll(".widget-inline-hbox, .widget-inline-vbox, .widget-radio").forEach(mendRow);
  for (const button of root.querySelectorAll(".widget-toggle-button")) {
    tell(button, {"aria-pressed": button.classList.contains("mod-active")});
  }
  for (const icon of root.querySelectorAll("button i")) tell(icon, {"aria-hidden": true}); // else a part of the button's name
  for (const picture of root.querySelectorAll(".picture")) {
    const words = picture.querySelector(".picture-words");
    const before = picture.getAttribute("aria-label");
    tell(picture, {role: "img", "aria-label": words?.textContent ?? ""});
    for (const layer of picture.children) tell(layer, {"aria-hidden": true});
    if (before && words?.matches("[aria-live]") && before !== words.textContent) announce(words.textContent);
  }
};
mend();
new MutationObserver(mend).observe(root, {
  subtree: true, childList: true, characterData: true, attributes: true,
  attributeFilter: ["class", "title", "aria-valuetext", "src"],
});

// A widget that has the keys may go: with its training a Stop button, with its cell's next run a slider. They would fall to
// the page, where none of them is JupyterLab's any more. So its cell gets them.
const cell = root.closest(".jp-Cell");
if (cell) {
  let ours = false;
  root.addEventListener("focusin", () => { ours = true; });
  root.addEventListener("focusout", (event) => { ours = !event.relatedTarget; }); // none if its control is disabled or gone
  new MutationObserver((_, observer) => {
    if (root.isConnected) return;
    observer.disconnect();
    if (ours && document.activeElement === document.body) cell.focus();
  }).observe(root.closest(".jp-OutputArea"), {subtree: true, childList: true});
}

// JupyterLab takes the arrows for itself, before a control hears of them, unless the control says no: for as long as the
// key is on its way, so that all others, Shift+Enter among them, stay JupyterLab's. On slides the arrows turn the slides.
if (!window.courseKeepsArrows) {
  window.courseKeepsArrows = true;
  window.addEventListener("keydown", (event) => {
    const control = event.target.closest(".course-widget :is([role=slider], [type=radio], select)");
    const moves = /^(Arrow|Page)|^(Home|End)$/.test(event.key) && !(event.ctrlKey || event.altKey || event.metaKey);
    if (!control || !moves || document.body.dataset.jpDeckMode === "presenting") return;
    control.setAttribute("data-lm-suppress-shortcuts", "");
    setTimeout(() => control.removeAttribute("data-lm-suppress-shortcuts"));
  }, true);
}
