// The page is complete without this script; it adds filters, copying, opening all at once and printing everything.
(function () {
  "use strict";
  function each(selector, act, root) { Array.prototype.forEach.call((root || document).querySelectorAll(selector), act); }
  function value(id) { var field = document.getElementById(id); return field ? field.value : ""; }

  // What a link points at is shown, however deep it is folded.
  function reveal() {
    var target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    for (var part = target; part; part = part.parentElement) {
      if (part.tagName === "DETAILS") { part.open = true; }
      if (part.hidden) { part.hidden = false; }
    }
    if (target) { target.scrollIntoView(); }
  }
  window.addEventListener("hashchange", reveal);

  function open(state) { each("main details", function (part) { part.open = state; }); }
  var actions = {
    open: function () { open(true); },
    close: function () { open(false); },
    print: function () {
      document.body.classList.add("whole");
      open(true);
      window.print();
    }
  };
  window.addEventListener("afterprint", function () { document.body.classList.remove("whole"); });
  each("[data-do]", function (button) { button.addEventListener("click", actions[button.dataset.do]); });
  each(".tools, .filters", function (part) { part.hidden = false; });

  // Filters and order of the checks: a line stays while one of its findings fits.
  var list = document.querySelector(".check-list");
  var checks = Array.prototype.slice.call(document.querySelectorAll(".check"));
  var written = Array.prototype.slice.call(list ? list.children : []);
  function fits(finding) {
    var arm = value("by-arm"), status = value("by-status");
    return (!status || finding.dataset.status === status) && (!arm || !finding.dataset.arm || finding.dataset.arm === arm);
  }
  function filter() {
    var kind = value("by-kind"), left = 0;
    checks.forEach(function (check) {
      var some = false;
      each(".finding", function (finding) { var fit = fits(finding); finding.hidden = !fit; some = some || fit; }, check);
      check.hidden = !some || (kind !== "" && check.dataset.kind !== kind);
      left += check.hidden ? 0 : 1;
    });
    var order = value("by-order");
    each(".kind", function (title) {
      var next = title.nextElementSibling, some = false;
      for (; next && !next.classList.contains("kind"); next = next.nextElementSibling) { some = some || !next.hidden; }
      title.hidden = order !== "kind" || !some;
    }, list);
    document.getElementById("shown").textContent = left + " of " + checks.length + " checks";
  }
  function sort() {
    var order = value("by-order");
    written.forEach(function (part) { list.appendChild(part); });
    if (order !== "kind") {
      checks.slice().sort(function (one, other) {
        var rank = order === "rank" ? one.dataset.rank - other.dataset.rank : 0;
        if (order === "rank") { return rank || checks.indexOf(one) - checks.indexOf(other); }
        return one.dataset.code.localeCompare(other.dataset.code, "en", { numeric: true });
      }).forEach(function (part) { list.appendChild(part); });
    }
    filter();
  }
  if (list) {
    each(".filters select", function (field) { field.addEventListener("change", field.id === "by-order" ? sort : filter); });
    filter();
  }

  // Mark in the contents where the reader is.
  var links = {};
  each(".contents a", function (link) { links[link.getAttribute("href").slice(1)] = link; });
  if (window.IntersectionObserver) {
    var seen = new Set(), ids = Object.keys(links).filter(function (id) { return document.getElementById(id); });
    var observer = new IntersectionObserver(function (entries) {
      entries.forEach(function (entry) { seen[entry.isIntersecting ? "add" : "delete"](entry.target.id); });
      var here = ids.filter(function (id) { return seen.has(id); }).pop();
      ids.forEach(function (id) { links[id].classList.toggle("here", id === here); });
    }, { rootMargin: "-20% 0px -60% 0px" });
    ids.forEach(function (id) { observer.observe(document.getElementById(id)); });
  }

  function copy(box, button) {
    var text = Array.prototype.map.call(box.querySelectorAll("p, li"), function (part) { return part.textContent.trim(); }).join("\n\n");
    var area = document.createElement("textarea");
    area.value = text;
    document.body.appendChild(area);
    area.select();
    document.execCommand("copy");
    area.remove();
    button.textContent = "Copied";
  }
  each(".paste", function (box, place) {
    var button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "Copy text " + (place + 1);
    button.addEventListener("click", function () { copy(box, button); });
    box.appendChild(button);
  });
  if (location.hash) { reveal(); }
})();
