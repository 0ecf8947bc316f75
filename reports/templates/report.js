// The page is complete without this script; it adds copying and opens every detail before printing.
(function () {
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
  document.querySelectorAll(".paste").forEach(function (box) {
    var button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "Copy text";
    button.addEventListener("click", function () { copy(box, button); });
    box.appendChild(button);
  });
  window.addEventListener("beforeprint", function () {
    document.querySelectorAll("details").forEach(function (part) { part.open = true; });
  });
})();
