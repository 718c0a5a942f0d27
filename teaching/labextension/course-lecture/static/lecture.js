/* The page of a lecture: it runs the lesson before the talk, lets four keys turn its slides, numbers them, and keeps
   Escape from ending them. course.py lecture alone hands it to JupyterLab (teaching/lecture.py), together with the plan
   of each chapter (teaching/plan.py); the slides themselves are jupyterlab-slideshow's.

   There is no build step: what JupyterLab loads from an extension is an object with init and get, and this is one. */

"use strict";

(() => {
    const CONFIG = JSON.parse(document.getElementById("jupyter-config-data").textContent);
    const PLANS = JSON.parse(CONFIG.courseLecture ?? "{}"); // file name -> plan
    const TURNS = {ArrowRight: 1, PageDown: 1, ArrowLeft: -1, PageUp: -1}; // and Space, back with Shift
    const CODE = ".cm-editor, textarea";
    const FIELD = "[contenteditable=true], input:not([type=radio], [type=checkbox], [type=range])";
    const TAKES_ARROWS = `${FIELD}, [role=slider], [role=radio], [role=radiogroup] *, input`;
    const TAKES_SPACE = `${FIELD}, button, summary, a, [role=radio], input`;
    const REMOTE = ".jp-Deck-Remote"; // the icons below right
    const ELSEWHERE = ".jp-Dialog, .jp-ModalCommandPalette, .lm-Menu, #jp-left-stack, #jp-right-stack"; // has keys of its own

    const isPresenting = () => document.body.dataset.jpDeckMode === "presenting";

    /* One notebook in the hands of a speaker. */
    class Talk {
        constructor(app, panel, plan, {CodeCell}) {
            Object.assign(this, {app, panel, plan, CodeCell});
            this.notebook = panel.content;
            this.pending = new Set(); // what hangs on a training that has not been started: it shows the picture that was saved
            this.corner = document.createElement("div");
            this.corner.id = "lecture-corner";
            this.corner.innerHTML = '<span class="lecture-told" role="status"></span><span class="lecture-number"></span>';
            panel.node.append(this.corner);
        }

        async begin() {
            await Promise.all([this.panel.context.ready, this.panel.sessionContext.ready]);
            // After a reload the talk goes on where it was.
            const key = `lecture ${this.panel.context.path}`;
            const cell = this.find(sessionStorage.getItem(key));
            if (cell) this.notebook.activeCellIndex = this.notebook.widgets.indexOf(cell);
            this.notebook.activeCellChanged.connect((_, active) => {
                if (active) sessionStorage.setItem(key, active.model.id);
                this.number();
            });
            this.number();
            await this.app.commands.execute("deck:start");
            this.focus();
            // A kernel that was restarted has forgotten the lesson, and no slider answers: it is run again.
            let restarts = false;
            this.panel.sessionContext.statusChanged.connect((_, status) => {
                restarts ||= status === "restarting" || status === "autorestarting";
                if (!restarts || status !== "idle") return;
                restarts = false;
                this.report(this.prepare());
            });
            this.report(this.prepare());
        }

        /* Keep a preparation for who waits for its end, and say so if it breaks off, unless another has begun since. */
        report(prepared) {
            this.prepared = prepared;
            prepared.catch((error) => {
                if (this.prepared !== prepared) return;
                console.error(error);
                this.tell(`the preparation ended (${error.message}); reload the page to begin it again`);
            });
        }

        find(id) {
            return this.notebook.widgets.find((cell) => cell.model.id === id);
        }

        /* Run the lesson, cell by cell. A training with a chart is told to wait for its Start: utils/training/view.py. */
        async prepare() {
            const round = (this.round = (this.round ?? 0) + 1);
            document.body.dataset.lecture = "preparing";
            this.pending = new Set(Object.values(this.plan.waiting).flat());
            this.number();
            const cells = this.plan.run.map((id) => this.find(id)).filter(Boolean);
            const failed = [];
            for (const [index, cell] of cells.entries()) {
                this.tell(`preparing: cell ${index + 1} of ${cells.length}`);
                if (!(await this.run(cell, cell.model.id in this.plan.waiting ? {training: "wait"} : {}))) failed.push(cell);
                if (round !== this.round) return; // the kernel was restarted, and the lesson begins anew
            }
            this.tell(failed.length ? `ready, but a cell failed near slide ${failed.map((cell) => this.slide(cell)).join(", ")}` : "ready");
            document.body.dataset.lecture = "ready";
        }

        /* Run a cell, with these words for the kernel, and tell whether it succeeded. */
        async run(cell, metadata = {}) {
            const reply = await this.CodeCell.execute(cell, this.panel.sessionContext, metadata);
            return reply?.content.status !== "error";
        }

        /* Press Start: run the training's cell as Ctrl-Enter does, which `follow` hears of. */
        start(button) {
            document.body.dataset.lecture = "training";
            this.notebook.activeCellIndex = this.notebook.widgets.findIndex((cell) => cell.node.contains(button));
            this.app.commands.execute("notebook:run-cell");
        }

        /* After a training, run the cells that hang on it. */
        async follow(training, success) {
            if (!(training.model.id in this.plan.waiting)) return;
            await this.prepared;
            for (const cell of success ? this.plan.waiting[training.model.id].map((id) => this.find(id)).filter(Boolean) : []) {
                await this.run(cell);
                this.pending.delete(cell.model.id);
            }
            this.number();
            document.body.dataset.lecture = "ready";
        }

        steps() {
            const places = new Map(this.notebook.widgets.map((cell, index) => [cell.model.id, index]));
            const steps = this.plan.steps.map(([first, stand, slide]) => ({first: places.get(first), stand: places.get(stand), slide}));
            return steps.filter((step) => step.first !== undefined && step.stand !== undefined);
        }

        slide(cell) {
            const index = this.notebook.widgets.indexOf(cell);
            return this.steps().findLast((step) => step.first <= index)?.slide ?? 1;
        }

        turn(by) {
            const steps = this.steps();
            const now = steps.findLastIndex((step) => step.first <= this.notebook.activeCellIndex);
            this.notebook.activeCellIndex = steps[Math.min(Math.max(now + by, 0), steps.length - 1)].stand;
            if (document.body.dataset.lecture === "ready") this.tell("");
            this.focus();
        }

        focus() {
            this.notebook.activeCell?.node.focus({preventScroll: true});
        }

        number() {
            const slide = this.slide(this.notebook.activeCell);
            const saved = [...this.pending].some((id) => this.slide(this.find(id)) === slide);
            this.corner.querySelector(".lecture-number").textContent = `${saved ? "saved, " : ""}${slide} / ${this.plan.slides}`;
        }

        tell(words) {
            this.corner.querySelector(".lecture-told").textContent = words;
        }
    }

    function activate(app, tracker, modules) {
        const talks = new Map(); // panel -> Talk
        const talk = () => talks.get(tracker.currentWidget);
        const open = () => {
            const panel = tracker.currentWidget;
            const plan = panel && PLANS[panel.context.path.split("/").pop()];
            if (!plan || talks.has(panel)) return;
            talks.set(panel, new Talk(app, panel, plan, modules));
            panel.disposed.connect(() => talks.delete(panel));
            talk().report(talk().begin());
        };
        tracker.currentChanged.connect(open);
        open();
        modules.NotebookActions.executed.connect((_, {notebook, cell, success}) => {
            const of = [...talks.values()].find((one) => one.notebook === notebook);
            of?.follow(cell, success);
        });

        // JupyterLab listens at the document, so this comes before it: its keys would move between cells, and Escape,
        // jupyterlab-slideshow's, would end the slides.
        window.addEventListener("keydown", (event) => {
            const {target} = event;
            const here = isPresenting() ? !target.closest(ELSEWHERE) : talk()?.panel.node.contains(target);
            if (here && talk() && press(talk(), event)) {
                event.preventDefault();
                event.stopImmediatePropagation();
            }
        }, true);

        // The mouse leaves the focus on what it has touched, a slider or a button, which would take the next key: the
        // slide gets it back. So it does when a button was pressed with a key, since many then disable themselves.
        const giveBack = () => setTimeout(() => {
            if (isPresenting() && !document.activeElement.closest(`${CODE}, ${FIELD}, ${ELSEWHERE}`)) talk()?.focus();
        });
        window.addEventListener("pointerup", (event) => {
            if (talk()?.panel.node.contains(event.target) || event.target.closest(REMOTE)) giveBack();
        }, true);
        window.addEventListener("click", (event) => {
            const button = event.target.closest("button");
            if (!button || !talk()) return;
            if (button.matches(".lecture-start")) talk().start(button);
            if (event.detail === 0 && !button.matches(".widget-toggle-button")) giveBack();
            const by = button.closest(".jp-deck-mod-direction-forward") ? 1 : button.closest(".jp-deck-mod-direction-back") ? -1 : 0;
            if (by) {
                event.stopImmediatePropagation(); // its own "forward" would leave out subslides
                talk().turn(by);
            }
        }, true);
    }

    /* Do what a key means in a talk, and return whether it meant anything. */
    function press(talk, {key, target, shiftKey, ctrlKey, altKey, metaKey}) {
        if (ctrlKey || altKey || metaKey || target.closest(CODE)) return false;
        if (key === "Escape") {
            if (!isPresenting() && target.closest(FIELD)) return false;
            if (!isPresenting()) talk.app.commands.execute("deck:start");
            talk.focus();
            return true;
        }
        if (!isPresenting()) return false;
        if (key === " ") {
            if (target.closest(TAKES_SPACE)) return false;
            talk.turn(shiftKey ? -1 : 1);
            return true;
        }
        // PageUp and PageDown are a remote's: they turn the slide whatever has the focus, code apart.
        if (shiftKey || !(key in TURNS) || (key.startsWith("Arrow") && target.closest(TAKES_ARROWS))) return false;
        talk.turn(TURNS[key]);
        return true;
    }

    let scope;
    const load = async (name) => (await Object.values(scope[name])[0].get())();
    window._JUPYTERLAB ??= {};
    window._JUPYTERLAB["course-lecture"] = {
        init(shared) {
            scope = shared;
        },
        async get() {
            const {CodeCell} = await load("@jupyterlab/cells");
            const {INotebookTracker, NotebookActions} = await load("@jupyterlab/notebook");
            const plugin = {
                id: "course-lecture:plugin",
                autoStart: true,
                requires: [INotebookTracker],
                activate: (app, tracker) => activate(app, tracker, {CodeCell, NotebookActions}),
            };
            return () => ({__esModule: true, default: plugin});
        },
    };
})();
