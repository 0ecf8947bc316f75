// Draws the stored volumes: by niivue where the page carries it and the browser has WebGL, else as flat cuts.
(function () {
  "use strict";
  var HEADER = 352, STEPS = 127, FAINT = 0.04, RED = [255, 51, 41], BLUE = [41, 128, 255], YELLOW = "#ffe45c";
  var WORLD = ["x (left to right)", "y (back to front)", "z (bottom to top)"];
  var content = JSON.parse(document.getElementById("viewer-data").textContent);
  var state = { shown: 0, layer: "target", opacity: 0.8, threshold: 0.1, outline: true, at: null };
  var panes = [], decoded = {}, grid = null, looking = false;

  function byId(id) { return document.getElementById(id); }
  function made(name, parent, text) {
    var element = document.createElement(name);
    if (text !== undefined) element.textContent = text;
    if (parent) parent.appendChild(element);
    return element;
  }

  // ---- stored files -------------------------------------------------------------------------------------------
  async function unpacked(base64) {
    var text = atob(base64), bytes = new Uint8Array(text.length);
    for (var i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
    var stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).arrayBuffer();
  }
  function parsed(buffer) {
    var view = new DataView(buffer), type = view.getInt16(70, true), affine = [];
    var dims = [1, 2, 3].map(function (axis) { return Math.max(1, view.getInt16(40 + 2 * axis, true)); });
    for (var row = 0; row < 3; row++) {
      affine.push([0, 1, 2, 3].map(function (column) { return view.getFloat32(280 + 16 * row + 4 * column, true); }));
    }
    var start = view.getFloat32(108, true);
    return {
      header: buffer.slice(0, HEADER), dims: dims, affine: affine, colour: type === 128,
      values: type === 256 ? new Int8Array(buffer, start) : new Uint8Array(buffer, start),
    };
  }
  async function volume(name) {
    if (!(name in decoded)) decoded[name] = unpacked(content.files[name]).then(parsed);
    return decoded[name];
  }

  // ---- places: a voxel (i, j, k) of the grid that all volumes share, and mm -----------------------------------
  function gridOf(file) {
    var axes = [0, 1, 2], taken = [], world = [0, 1, 2].map(function (row) {
      var best = axes.filter(function (axis) { return taken.indexOf(axis) < 0; }).sort(function (a, b) {
        return Math.abs(file.affine[row][b]) - Math.abs(file.affine[row][a]);
      })[0];
      taken.push(best);
      return { axis: best, sign: file.affine[row][best] < 0 ? -1 : 1 };
    });
    var spacing = axes.map(function (axis) {
      return Math.hypot(file.affine[0][axis], file.affine[1][axis], file.affine[2][axis]) || 1;
    });
    return { dims: file.dims, affine: file.affine, world: world, spacing: spacing };
  }
  function millimetres(at) {
    return grid.affine.map(function (row) { return row[0] * at[0] + row[1] * at[1] + row[2] * at[2] + row[3]; });
  }
  function voxelAt(mm) {
    var m = grid.affine, d = [0, 1, 2].map(function (row) { return mm[row] - m[row][3]; });
    function determinant(a, b, c) {
      return a[0] * (b[1] * c[2] - b[2] * c[1]) - a[1] * (b[0] * c[2] - b[2] * c[0]) + a[2] * (b[0] * c[1] - b[1] * c[0]);
    }
    var columns = [0, 1, 2].map(function (axis) { return [m[0][axis], m[1][axis], m[2][axis]]; });
    var whole = determinant(columns[0], columns[1], columns[2]);
    return [0, 1, 2].map(function (axis) {
      var own = columns.slice();
      own[axis] = d;
      return kept(Math.round(determinant(own[0], own[1], own[2]) / whole), axis);
    });
  }
  function kept(index, axis) { return Math.max(0, Math.min(grid.dims[axis] - 1, index)); }
  function offset(at) { return at[0] + grid.dims[0] * (at[1] + grid.dims[1] * at[2]); }

  // ---- what is shown ------------------------------------------------------------------------------------------
  async function mapOf(shown, arm) {
    var own = shown.arms[arm], layers = own ? own.layers : {};
    async function shares(layer) {
      if (!layers[layer]) return null;
      var stored = (await volume(layers[layer].file)).values, found = new Float32Array(stored.length);
      for (var place = 0; place < found.length; place++) found[place] = stored[place] / STEPS;
      return found;
    }
    if (state.layer !== "difference") return shares(state.layer);
    var target = await shares("target"), origin = await shares("origin");
    if (!target || !origin) return null;
    return target.map(function (value, index) { return Math.abs(value) - Math.abs(origin[index]); });
  }
  function layerRecord() { return content.layers.find(function (layer) { return layer.key === state.layer; }); }
  function number(value, digits) { return value.toFixed(digits).replace("-", "\u2212"); }
  function signedNumber(value) {
    return (value > 0 ? "+" : "") + Number(value.toPrecision(2)).toString().replace("-", "\u2212");
  }

  function whereWords(pane) {
    var at = state.at, place;
    if (content.pictures) place = "column " + (at[1] + 1) + ", row " + (at[0] + 1);
    else {
      place = millimetres(at).map(function (mm, axis) { return "xyz"[axis] + " " + number(mm, 0); }).join(", ") + " mm";
    }
    if (!pane.map) return place;
    var share = pane.map[offset(at)], layer = layerRecord(), words = ": no relevance to speak of";
    if (share !== 0) {
      var own = content.shown[state.shown].arms[pane.arm].layers[state.layer];
      var amount = own ? signedNumber(share * own.limit) + " (" + Math.round(100 * Math.abs(share)) + " % of the colour limit)"
        : signedNumber(share);
      words = ": " + (Math.abs(share) >= 1 && own ? "at least " : "") + amount + ", " + layer.ends[share > 0 ? 1 : 0];
    }
    if (pane.mask && pane.mask[offset(at)]) words += "; inside the marked pathology";
    return place + words;
  }
  function paneWords(pane) {
    var shown = content.shown[state.shown], own = shown.arms[pane.arm];
    if (!own) return "No map of this network input.";
    var layer = own.layers[state.layer], limit = layer ? "; colour limit " + signedNumber(layer.limit).replace("+", "\u00b1") : "";
    if (pane.map) return own.words + limit + ".";
    return own.words + ". No such map: this class or origin has no origin classifier that was explained.";
  }

  function opaqueness(strength) { return Math.round(235 * Math.pow(strength, 0.75)); }

  // ---- flat cuts ----------------------------------------------------------------------------------------------
  function planes() {
    if (content.pictures) return [{ name: "picture", across: { axis: 1, sign: 1 }, up: { axis: 0, sign: -1 }, through: 2 }];
    var w = grid.world;
    return [
      { name: "axial", across: w[0], up: w[1], through: w[2].axis, letters: "LRPA" },
      { name: "coronal", across: w[0], up: w[2], through: w[1].axis, letters: "LRIS" },
      { name: "sagittal", across: w[1], up: w[2], through: w[0].axis, letters: "PAIS" },
    ];
  }
  function Cuts(screen, move) {
    var own = { pictures: null }, looks = { opacity: 1, threshold: 0, outline: true }, at = [0, 0, 0];
    var box = made("div", screen);
    box.className = content.pictures ? "cuts single" : "cuts";
    var drawn = planes().map(function (plane) {
      var canvas = made("canvas", box);
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", (content.pictures ? "Picture" : plane.name + " cut") + "; the words below say what is at the cross-hair");
      var width = grid.dims[plane.across.axis], height = grid.dims[plane.up.axis];
      canvas.style.aspectRatio = String((width * grid.spacing[plane.across.axis]) / (height * grid.spacing[plane.up.axis]));
      var one = { plane: plane, canvas: canvas, width: width, height: height };
      function follow(event) {
        var frame = canvas.getBoundingClientRect(), to = at.slice();
        var column = Math.floor(((event.clientX - frame.left) / frame.width) * width);
        var row = Math.floor(((event.clientY - frame.top) / frame.height) * height);
        to[plane.across.axis] = kept(plane.across.sign > 0 ? column : width - 1 - column, plane.across.axis);
        to[plane.up.axis] = kept(plane.up.sign > 0 ? height - 1 - row : row, plane.up.axis);
        move(to);
      }
      canvas.addEventListener("pointerdown", follow);
      canvas.addEventListener("pointermove", function (event) { if (event.buttons) follow(event); });
      return one;
    });
    function placeOf(one, column, row) {
      var to = at.slice(), plane = one.plane;
      to[plane.across.axis] = plane.across.sign > 0 ? column : one.width - 1 - column;
      to[plane.up.axis] = plane.up.sign > 0 ? one.height - 1 - row : row;
      return offset(to);
    }
    function layersOf(one) {
      var anatomy = new ImageData(one.width, one.height), tint = new ImageData(one.width, one.height), edges = [];
      for (var row = 0; row < one.height; row++) for (var column = 0; column < one.width; column++) {
        var place = placeOf(one, column, row), pixel = 4 * (row * one.width + column);
        for (var part = 0; part < 3; part++) {
          anatomy.data[pixel + part] = own.anatomy.colour ? own.anatomy.values[3 * place + part] : own.anatomy.values[place];
        }
        anatomy.data[pixel + 3] = 255;
        var share = own.map ? own.map[place] : 0, strength = Math.min(1, Math.abs(share));
        if (strength > Math.max(FAINT, looks.threshold)) {
          var colour = share > 0 ? RED : BLUE;
          tint.data[pixel] = colour[0]; tint.data[pixel + 1] = colour[1]; tint.data[pixel + 2] = colour[2];
          tint.data[pixel + 3] = opaqueness(strength);
        }
        if (own.mask && looks.outline && own.mask[place]) {
          if (row === 0 || !own.mask[placeOf(one, column, row - 1)]) edges.push([column, row, column + 1, row]);
          if (row === one.height - 1 || !own.mask[placeOf(one, column, row + 1)]) edges.push([column, row + 1, column + 1, row + 1]);
          if (column === 0 || !own.mask[placeOf(one, column - 1, row)]) edges.push([column, row, column, row + 1]);
          if (column === one.width - 1 || !own.mask[placeOf(one, column + 1, row)]) edges.push([column + 1, row, column + 1, row + 1]);
        }
      }
      return { anatomy: anatomy, tint: tint, edges: edges };
    }
    function picture(data) {
      var canvas = document.createElement("canvas");
      canvas.width = data.width;
      canvas.height = data.height;
      canvas.getContext("2d").putImageData(data, 0, 0);
      return canvas;
    }
    function lines(context, pairs, colour, width, scale) {
      context.strokeStyle = colour;
      context.lineWidth = width;
      context.beginPath();
      pairs.forEach(function (pair) {
        context.moveTo(pair[0] * scale[0], pair[1] * scale[1]);
        context.lineTo(pair[2] * scale[0], pair[3] * scale[1]);
      });
      context.stroke();
    }
    function paint(one) {
      var ratio = window.devicePixelRatio || 1, context = one.canvas.getContext("2d");
      var width = Math.max(1, Math.round(one.canvas.clientWidth * ratio));
      var height = Math.max(1, Math.round(one.canvas.clientHeight * ratio));
      if (one.canvas.width !== width) one.canvas.width = width;
      if (one.canvas.height !== height) one.canvas.height = height;
      if (!own.anatomy) return;
      var layers = layersOf(one), scale = [width / one.width, height / one.height], plane = one.plane;
      context.imageSmoothingQuality = "high";
      context.drawImage(picture(layers.anatomy), 0, 0, width, height);
      context.globalAlpha = looks.opacity;
      context.drawImage(picture(layers.tint), 0, 0, width, height);
      context.globalAlpha = 1;
      lines(context, layers.edges, YELLOW, 1.4 * ratio, scale);
      var column = at[plane.across.axis], row = at[plane.up.axis];
      if (plane.across.sign < 0) column = one.width - 1 - column;
      if (plane.up.sign > 0) row = one.height - 1 - row;
      var cross = [[column + 0.5, 0, column + 0.5, one.height], [0, row + 0.5, one.width, row + 0.5]];
      lines(context, cross, "rgba(255, 255, 255, 0.55)", ratio, scale);
      if (plane.letters) letters(context, plane.letters, width, height, ratio);
    }
    function letters(context, words, width, height, ratio) {
      context.fillStyle = "#d7dde3";
      context.font = 12 * ratio + "px sans-serif";
      context.textBaseline = "middle";
      context.fillText(words[0], 4 * ratio, height / 2 - 9 * ratio);
      context.fillText(words[1], width - 13 * ratio, height / 2 - 9 * ratio);
      context.fillText(words[2], width / 2 + 5 * ratio, height - 9 * ratio);
      context.fillText(words[3], width / 2 + 5 * ratio, 10 * ratio);
    }
    function all() { drawn.forEach(paint); }
    new ResizeObserver(all).observe(box);
    return {
      show: function (anatomy, map, mask) { own = { anatomy: anatomy, map: map, mask: mask }; all(); },
      look: function (opacity, threshold, outline) { looks = { opacity: opacity, threshold: threshold, outline: outline }; all(); },
      move: function (to) { at = to; all(); },
    };
  }

  // ---- niivue -------------------------------------------------------------------------------------------------
  // Red, green, blue and opacity of every voxel: niivue's own colour maps know no shades of opacity.
  function tinted(map, threshold, into) {
    for (var place = 0; place < into.length / 4; place++) {
      var share = map ? map[place] : 0, strength = Math.min(1, Math.abs(share)), colour = share > 0 ? RED : BLUE;
      into[4 * place] = colour[0];
      into[4 * place + 1] = colour[1];
      into[4 * place + 2] = colour[2];
      into[4 * place + 3] = strength > Math.max(FAINT, threshold) ? opaqueness(strength) : 0;
    }
    return into;
  }
  function asImage(file, values, type, bits) {
    var bytes = new Uint8Array(HEADER + values.byteLength), view = new DataView(bytes.buffer);
    bytes.set(new Uint8Array(file.header));
    view.setInt16(70, type, true);
    view.setInt16(72, bits, true);
    view.setFloat32(108, HEADER, true);
    view.setFloat32(112, 1, true);
    view.setFloat32(116, 0, true);
    bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), HEADER);
    return bytes.buffer;
  }
  async function Scene(screen, move, name) {
    screen.classList.add("scene");
    var canvas = made("canvas", screen);
    // The page keeps scrolling over the image; niivue would turn the wheel into steps through the slices.
    canvas.addEventListener("wheel", function (event) { event.stopImmediatePropagation(); }, true);
    var view = new niivue.Niivue({
      logLevel: "error", loadingText: "", dragAndDropEnabled: false, viewModeHotKey: "", clipPlaneHotKey: "",
      cycleClipPlaneHotKey: "", multiplanarShowRender: 0, multiplanarLayout: 2, multiplanarPadPixels: 2,
      crosshairColor: [1, 1, 1, 0.6], crosshairWidth: 0.8, crosshairWidthUnit: "mm", fontColor: [0.85, 0.87, 0.9, 1], dragMode: 0,
    });
    await view.attachToCanvas(canvas, false);
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", "Axial, coronal and sagittal cut, " + name + "; the words below say what is at the cross-hair");
    view.setDrawColormap({ R: [0, 255], G: [0, 228], B: [0, 92], A: [0, 255], labels: ["", "marked pathology"] });
    view.drawOpacity = 0.01; // not 0, or its rim is left out too
    view.drawRimOpacity = 1;
    view.onLocationChange = function (where) { move(voxelAt(Array.from(where.mm).slice(0, 3))); };
    var looks = { opacity: 1, threshold: 0, outline: true }, map = null, mask = null, last = null;

    function image(values, type, bits) {
      return niivue.NVImage.new(asImage(last, values, type, bits), "own.nii", "gray", 1, null, 0, 255);
    }
    async function outlined() {
      if (!mask || !looks.outline) return view.closeDrawing();
      view.loadDrawing(await image(mask, 2, 8));
    }
    function coloured(anew) {
      if (anew) tinted(map, looks.threshold, view.volumes[1].img);
      view.volumes[1].opacity = looks.opacity;
      view.updateGLVolume();
    }
    return {
      show: async function (anatomy, values, marked) {
        last = anatomy;
        map = values;
        mask = marked;
        if (view.volumes.length === 0) {
          view.addVolume(await image(anatomy.values, 2, 8));
          view.addVolume(await image(new Uint8Array(4 * anatomy.values.length), 2304, 32));
          view.setSliceType(view.sliceTypeMultiplanar);
        } else view.volumes[0].img.set(anatomy.values);
        coloured(true);
        await outlined();
        view.drawScene();
      },
      look: async function (opacity, threshold, outline) {
        var changed = outline !== looks.outline, anew = threshold !== looks.threshold;
        looks = { opacity: opacity, threshold: threshold, outline: outline };
        if (!view.volumes.length) return;
        coloured(anew);
        if (changed) await outlined();
        view.drawScene();
      },
      move: function (to) {
        if (!view.volumes.length) return;
        view.scene.crosshairPos = view.mm2frac(millimetres(to));
        view.drawScene();
      },
    };
  }
  function hasWebGL() {
    try { return !!document.createElement("canvas").getContext("webgl2"); } catch (error) { return false; }
  }

  // ---- the page -----------------------------------------------------------------------------------------------
  async function addPane(arm, place) {
    var pane = { arm: arm, map: null, mask: null }, box = made("section", byId("panes"));
    box.className = "pane";
    var id = "arm-" + place, row = made("div", box);
    row.className = "choice";
    var label = made("label", row, content.pictures || content.arms.length < 2 ? "Network input" : "Network input, " + (place ? "second" : "first"));
    label.htmlFor = id;
    var choice = made("select", row);
    choice.id = id;
    content.arms.forEach(function (name) { made("option", choice, name).value = name; });
    choice.value = arm;
    box.setAttribute("aria-label", "Image " + (place + 1));
    var screen = made("div", box);
    screen.className = "screen";
    pane.where = made("p", box);
    pane.where.className = "where";
    pane.words = made("p", box);
    choice.addEventListener("change", function () { pane.arm = choice.value; refresh(pane); });
    panes.push(pane);
    var scene = !content.pictures && typeof niivue !== "undefined" && hasWebGL();
    if (scene) pane.painter = await Scene(screen, move, "image " + (place + 1)).catch(function () { return null; });
    if (pane.painter) return;
    screen.className = "screen";
    screen.textContent = "";
    pane.painter = Cuts(screen, move);
    if (typeof niivue !== "undefined") byId("drawn-by").textContent = "Drawn as flat cuts: this browser has no WebGL that niivue can use.";
  }
  async function refresh(pane) {
    var turn = (pane.turn = (pane.turn || 0) + 1), shown = content.shown[state.shown];
    var anatomy = await volume(shown.anatomy), mask = shown.mask ? (await volume(shown.mask)).values : null;
    var map = await mapOf(shown, pane.arm);
    if (turn !== pane.turn) return; // somebody has chosen something else meanwhile
    pane.map = map;
    pane.mask = mask;
    await pane.painter.show(anatomy, map, mask);
    pane.words.textContent = paneWords(pane);
    if (state.at) pane.where.textContent = whereWords(pane);
  }
  function refreshAll() {
    var layer = layerRecord();
    byId("who").textContent = content.shown[state.shown].name;
    byId("layer-words").textContent = layer.words;
    byId("blue-end").textContent = layer.ends[0];
    byId("red-end").textContent = layer.ends[1];
    byId("outline-control").hidden = !content.shown.some(function (shown) { return shown.mask; });
    return Promise.all(panes.map(refresh));
  }
  function look() {
    byId("opacity-value").textContent = Math.round(100 * state.opacity) + " %";
    byId("threshold-value").textContent = Math.round(100 * state.threshold) + " %";
    if (looking) return;
    looking = true; // a slider that is dragged tells of more places than can be drawn
    requestAnimationFrame(function () {
      looking = false;
      panes.forEach(function (pane) { pane.painter.look(state.opacity, state.threshold, state.outline); });
    });
  }
  function move(to) {
    state.at = to;
    panes.forEach(function (pane) {
      pane.painter.move(to);
      pane.where.textContent = whereWords(pane);
    });
    sliders.forEach(function (slider) { slider.follow(to); });
  }
  function strongest(map) {
    var absolute = map.map(Math.abs), best = 0, step = 1;
    // The mean of three along every axis, so that a whole region wins and not a single place.
    grid.dims.forEach(function (size) {
      absolute = absolute.map(function (value, index, all) { return value + (all[index - step] || 0) + (all[index + step] || 0); });
      step *= size;
    });
    for (var index = 1; index < absolute.length; index++) if (absolute[index] > absolute[best]) best = index;
    var first = best % grid.dims[0], rest = (best - first) / grid.dims[0];
    return [first, rest % grid.dims[1], Math.floor(rest / grid.dims[1])];
  }
  var sliders = [];
  function addSlider(words, axis, sign) {
    var box = made("div", byId("axes")), label = made("label", box, words + " "), value = made("output", label);
    var input = made("input", box), last = grid.dims[axis] - 1;
    input.type = "range"; input.min = "0"; input.max = String(last); input.step = "1";
    input.id = "axis-" + axis;
    label.htmlFor = input.id;
    input.addEventListener("input", function () {
      var to = state.at.slice();
      to[axis] = sign > 0 ? +input.value : last - input.value;
      move(to);
    });
    sliders.push({
      follow: function (at) {
        input.value = String(sign > 0 ? at[axis] : last - at[axis]);
        var row = grid.world.findIndex(function (one) { return one.axis === axis; });
        value.textContent = content.pictures ? String(at[axis] + 1) : number(millimetres(at)[row], 0) + " mm";
        input.setAttribute("aria-valuetext", value.textContent);
      },
    });
  }
  function addControls() {
    var groups = { true: made("optgroup"), false: made("optgroup") };
    groups.true.label = "Means of the classes";
    groups.false.label = "Subjects";
    content.shown.forEach(function (shown, place) { made("option", groups[shown.mean], shown.name).value = String(place); });
    [groups.false, groups.true].forEach(function (group) { if (group.children.length) byId("shown").appendChild(group); });
    var first = content.shown.findIndex(function (shown) { return !shown.mean; });
    state.shown = Math.max(0, first);
    byId("shown").value = String(state.shown);
    byId("shown").addEventListener("change", function (event) { state.shown = +event.target.value; refreshAll(); });
    content.layers.forEach(function (layer) {
      var box = made("div", byId("layers")), input = made("input", box), label = made("label", box, layer.name);
      box.className = "option";
      input.type = "radio"; input.name = "layer"; input.value = layer.key; input.id = "layer-" + layer.key;
      input.checked = layer.key === state.layer;
      label.htmlFor = input.id;
      input.addEventListener("change", function () { state.layer = layer.key; refreshAll(); });
    });
    byId("opacity").addEventListener("input", function (event) { state.opacity = event.target.value / 100; look(); });
    byId("threshold").addEventListener("input", function (event) { state.threshold = event.target.value / 100; look(); });
    byId("outline").addEventListener("change", function (event) { state.outline = event.target.checked; look(); });
    byId("strongest").addEventListener("click", function () { if (panes[0].map) move(strongest(panes[0].map)); });
  }
  async function start() {
    addControls();
    grid = gridOf(await volume(content.shown[state.shown].anatomy));
    if (content.pictures) { addSlider("Column", 1, 1); addSlider("Row", 0, 1); }
    else grid.world.forEach(function (one, row) { addSlider(WORLD[row], one.axis, one.sign); });
    for (var place = 0; place < Math.min(2, content.arms.length); place++) await addPane(content.arms[place], place);
    await refreshAll();
    look();
    move(panes[0].map ? strongest(panes[0].map) : grid.dims.map(function (size) { return size >> 1; }));
    document.body.dataset.ready = "yes";
  }
  start().catch(function (error) {
    byId("failed").hidden = false;
    byId("failed").textContent = "The images cannot be drawn (" + error.message + "). Open the page in a browser of 2023 or later.";
  });
})();
