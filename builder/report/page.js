"use strict";
(() => {
	const picture = document.getElementById("picture"), told = document.getElementById("chosen");
	const nodes = [...picture.querySelectorAll(".node")], edges = [...picture.querySelectorAll(".edge")];
	const hint = "Point at a stage, tap it, or come to it with the tab key: what it waits for is outlined, what needs it dashed.";
	let self = null;

	// follow marks all that the edges lead to from a node, one way, and returns the nodes.
	const follow = (id, from, to, mark) => {
		const found = new Set(), next = [id];
		while (next.length) {
			const at = next.pop();
			for (const e of edges) {
				if (e.dataset[from] !== at) continue;
				e.classList.add("on", mark);
				e.parentNode.append(e); // above those that are dimmed
				if (!found.has(e.dataset[to])) next.push(e.dataset[to]);
				found.add(e.dataset[to]);
			}
		}
		const list = nodes.filter((n) => found.has(n.id.slice(5)));
		for (const n of list) n.classList.add("on", mark);
		return list.map((n) => n.dataset.name).join(", ") || "nothing";
	};
	const choose = (node) => {
		if (node === self) return;
		self = node;
		for (const e of [...nodes, ...edges]) e.classList.remove("on", "self", "earlier", "later");
		picture.classList.toggle("choosing", node !== null);
		told.textContent = hint;
		if (node === null) return;
		node.classList.add("on", "self");
		const id = node.id.slice(5), name = document.createElement("b");
		name.textContent = node.dataset.name;
		told.replaceChildren(name, " waits for " + follow(id, "to", "from", "earlier") + "; needed by " + follow(id, "from", "to", "later") + ".");
	};
	for (const n of nodes) {
		let before = null; // what was chosen when a finger came down
		n.addEventListener("pointerenter", (e) => { if (e.pointerType === "mouse") choose(n); });
		n.addEventListener("focus", () => choose(n));
		n.addEventListener("pointerdown", () => { before = self; });
		// The first tap shows the stage, the second one follows its link.
		n.addEventListener("click", (e) => { if (e.pointerType === "touch" && before !== n) { e.preventDefault(); choose(n); } });
	}
	picture.addEventListener("pointerleave", (e) => { if (e.pointerType === "mouse") choose(null); });
	document.addEventListener("keydown", (e) => { if (e.key === "Escape") choose(null); });
	told.textContent = hint;
})();
