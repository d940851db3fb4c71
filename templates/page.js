
"use strict";
(() => {
  const form = document.getElementById("filters"), shown = document.getElementById("shown");
  const all = (selector, within = document) => Array.from(within.querySelectorAll(selector));
  const entry = element => ({ element, trees: element.dataset.trees, text: null });
  const says = (one, words) => {
    if (!words.length) return true;
    if (one.text === null) one.text = one.element.textContent.toLowerCase();
    return words.every(word => one.text.includes(word));
  };
  const show = (element, visible) => { if (element.hidden === visible) element.hidden = !visible; };
  const causes = all(".cause").map(element => ({
    element, severity: element.dataset.severity, code: element.dataset.code, heading: element.querySelector("h3").textContent.toLowerCase(),
    others: element.querySelector(".others"), groups: all(".remedy", element).map(group => ({
      element: group, isOther: Boolean(group.closest(".others")), more: group.querySelector(".more"), remedy: group.querySelector(".todo").textContent.toLowerCase(),
      places: all(".place", group).map(entry), rest: new Set(all(".more .place", group)) })) }));
  const trees = all(".tree").map(element => ({
    element, tree: element.dataset.tree, name: element.querySelector("summary").textContent.toLowerCase(), was: element.open,
    rows: all(".certificate", element).map(entry) }));
  const [noFinding, noCertificate] = all(".none");

  const findings = (severities, code, tree, words) => {
    let count = 0;
    for (const cause of causes) {
      let ofCause = 0, ofOthers = 0;
      const wanted = severities.has(cause.severity) && (!code || code === cause.code);
      for (const group of wanted ? cause.groups : []) {
        let ofGroup = 0, ofRest = 0;
        const rest = words.filter(word => !cause.heading.includes(word) && !group.remedy.includes(word));
        for (const place of group.places) {
          const visible = (!tree || place.trees.includes(` ${tree} `)) && says(place, rest);
          show(place.element, visible);
          if (visible) { ofGroup += 1; if (group.rest.has(place.element)) ofRest += 1; }
        }
        show(group.element, ofGroup > 0);
        if (group.more) { show(group.more, ofRest > 0); group.more.open = ofRest > 0 && ofGroup <= 50 && (Boolean(tree) || words.length > 0); }
        ofCause += ofGroup;
        if (group.isOther) ofOthers += ofGroup;
      }
      if (cause.others) { show(cause.others, ofOthers > 0); cause.others.open = ofOthers > 0 && ofOthers <= 50 && (Boolean(tree) || words.length > 0); }
      show(cause.element, ofCause > 0);
      count += ofCause;
    }
    show(noFinding, count === 0 && causes.length > 0);
    return count;
  };

  const certificates = (tree, words) => {
    let count = 0;
    const found = [];
    for (const one of trees) {
      let ofTree = 0;
      if (!tree || one.tree === tree) {
        const rest = words.filter(word => !one.name.includes(word));
        for (const row of one.rows) {
          const visible = says(row, rest);
          show(row.element, visible);
          if (visible) ofTree += 1;
        }
        if (ofTree > 0 || rest.length === 0) found.push(one);
      }
      show(one.element, found[found.length - 1] === one);
      count += ofTree;
    }
    const isNarrowed = Boolean(tree) || words.length > 0;
    for (const one of found) one.element.open = isNarrowed ? found.length <= 5 : one.was;
    show(noCertificate, found.length === 0);
    return count;
  };

  const apply = () => {
    const given = new FormData(form), tree = given.get("tree") || "";
    const words = given.get("text").toLowerCase().split(/\s+/).filter(Boolean);
    const ofFindings = findings(new Set(given.getAll("severity")), given.get("code"), tree, words);
    const ofCertificates = certificates(tree, words);
    shown.value = `${ofFindings} findings and ${ofCertificates} certificates are shown.`;
  };
  let waiting = 0;
  form.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(apply, 80); });
  form.addEventListener("reset", () => setTimeout(apply));
  form.addEventListener("submit", event => event.preventDefault());
  form.hidden = false;
})();
