// Draws each chart from the table that stands under it, with ECharts, which is fetched only where there is a chart.
// Tooltips are drawn, not HTML: the content security policy allows no style attributes.
import { each } from "./each.js";

const PALETTE = ["accent", "warn", "good", "ink-3", "bad", "accent-deep"];
const SYMBOLS = ["circle", "rect", "triangle", "diamond"];
const NARROW = 520;
// A table longer than this stays folded on paper.
const PRINTED_ROWS = 40;
const PAPER_WIDTH = 760;

let library;
const drawn = new Set();

function start(root) {
  alive();
  each(root, "figure[data-chart]", async (figure) => {
    const canvas = figure.querySelector(".chart-canvas");
    if (!canvas) return;
    try {
      library = library || import(figure.dataset.library);
      draw(figure, canvas, await library);
    } catch (error) {
      // without the library the table is the chart
      canvas.hidden = true;
      figure.querySelector("details").open = true;
      console.error(error);
    }
  });
}

function read(figure) {
  const table = figure.querySelector("table");
  const rows = [...table.tBodies[0].rows];
  const heads = [...table.tHead.rows[0].cells].slice(1);
  return {
    kind: figure.dataset.chart,
    unit: figure.dataset.unit,
    better: figure.dataset.better,
    lying: "lying" in figure.dataset,
    labels: rows.map((row) => row.cells[0].textContent.trim()),
    urls: rows.map((row) => row.cells[0].querySelector("a")?.href || ""),
    series: heads.map((head, number) => ({
      name: head.dataset.name,
      kind: head.dataset.kind,
      tone: head.dataset.tone,
      unit: head.dataset.unit || figure.dataset.unit,
      values: rows.map((row) => numberOf(row.cells[number + 1].dataset.value)),
      texts: rows.map((row) => row.cells[number + 1].textContent.trim()),
    })),
  };
}

const numberOf = (text) => (text === "" ? null : Number(text));

function draw(figure, canvas, echarts) {
  const data = read(figure);
  data.told = data.series;
  data.series = data.series.filter((one) => one.kind !== "table");
  canvas.style.height = `${heightOf(data, canvas)}px`;
  const chart = echarts.init(canvas, null, { renderer: "svg" });
  const show = (size) => {
    chart.resize(size);
    chart.setOption(optionOf(data, canvas, chart.getWidth()), true);
    // so that a page can be printed at another width than it has on the screen
    canvas.querySelector("svg").setAttribute("viewBox", `0 0 ${chart.getWidth()} ${chart.getHeight()}`);
  };
  chart.on("click", (event) => {
    const url = data.urls[event.dataIndex];
    if (url) window.location.assign(url);
  });
  let width = canvas.clientWidth;
  show();
  new ResizeObserver(() => {
    if (!canvas.clientWidth || canvas.clientWidth === width || figure.dataset.printing) return;
    width = canvas.clientWidth;
    canvas.style.height = `${heightOf(data, canvas)}px`;
    show({ width, height: canvas.clientHeight });
  }).observe(canvas);
  drawn.add({ figure, chart, show, width: () => width, height: () => canvas.clientHeight, rows: data.labels.length });
  figure.dataset.drawn = "";
}

// Names of units stand beside their bars where there is no room for them below.
function lies(data, width) {
  const names = data.labels.length > 3 && data.labels.some((label) => label.length > 3 && !/\d/.test(label));
  return data.lying || (width < NARROW && data.kind !== "line" && data.kind !== "scatter" && names);
}

function heightOf(data, canvas) {
  const line = textSize(canvas);
  if (lies(data, canvas.clientWidth)) return Math.round(line * (4 + data.labels.length * Math.max(1.9, 1.3 * barsOf(data))));
  return Math.round(Math.max(line * 21, Math.min(canvas.clientWidth * 0.42, line * 28)));
}

const barsOf = (data) => (data.kind === "stacked" ? 1 : data.series.length);
const textSize = (canvas) => parseFloat(getComputedStyle(canvas).fontSize);

function optionOf(data, canvas, width) {
  const style = getComputedStyle(canvas);
  const token = (name) => style.getPropertyValue(`--${name}`).trim();
  const size = textSize(canvas);
  const look = { token, size, narrow: width < NARROW, width, font: style.fontFamily };
  const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches || document.visibilityState === "hidden";
  return {
    animation: !still,
    animationDuration: 350,
    animationDurationUpdate: 0,
    textStyle: { fontFamily: look.font, fontSize: size, color: token("ink-2") },
    aria: { enabled: true, label: { enabled: false }, decal: { show: data.kind === "stacked" } },
    legend: {
      show: data.series.length > 1 && data.kind !== "scatter",
      top: 0,
      left: 0,
      itemGap: size,
      textStyle: { color: token("ink-2"), fontSize: size },
    },
    tooltip: {
      renderMode: "richText",
      confine: true,
      trigger: data.kind === "scatter" || data.kind === "waterfall" ? "item" : "axis",
      axisPointer: { type: data.series.some((one) => kindOf(data, one) === "bar") ? "shadow" : "line" },
      backgroundColor: token("surface"),
      borderColor: token("line-strong"),
      padding: [size * 0.6, size * 0.8],
      textStyle: { color: token("ink"), fontSize: size, lineHeight: size * 1.6, fontFamily: look.font },
      formatter: (asked) => textOf(data, Array.isArray(asked) ? asked[0].dataIndex : asked.dataIndex),
    },
    ...(data.kind === "scatter" ? scatter(data, look) : data.kind === "waterfall" ? waterfall(data, look) : bars(data, look)),
  };
}

function textOf(data, at) {
  return [data.labels[at], ...data.told.map((one) => `${one.name}  ${one.texts[at]}${one.texts[at] === "—" ? "" : ` ${one.unit}`}`)]
    .join("\n");
}

const kindOf = (data, one) => (data.kind === "stacked" ? "bar" : one.kind || (data.kind === "line" ? "line" : "bar"));

function colourOf(one, number, look) {
  if (one.tone === "plain") return look.token(PALETTE[number % PALETTE.length]);
  return look.token(one.tone === "neutral" ? "ink-3" : one.tone);
}

function valueAxis(look, name = "") {
  return {
    type: "value",
    name,
    axisLabel: { color: look.token("ink-3"), fontSize: look.size },
    splitLine: { lineStyle: { color: look.token("line") } },
    splitNumber: look.narrow ? 3 : 5,
  };
}

function labelAxis(labels, look, lying) {
  return {
    type: "category",
    data: labels,
    inverse: lying,
    axisTick: { show: false },
    axisLine: { lineStyle: { color: look.token("line-strong") } },
    axisLabel: {
      color: look.token("ink-2"),
      fontSize: look.size,
      hideOverlap: !lying,
      interval: lying ? 0 : "auto",
      // names do not run into each other: they wrap, and what does not fit ends in …
      width: lying ? look.size * (look.narrow ? 6.5 : 9) : Math.max(look.size * 3, (look.width * 0.85) / Math.max(labels.length, 1)),
      overflow: lying ? "truncate" : labels.length > 12 ? "none" : "break",
    },
  };
}

function grid(look, top) {
  return {
    left: look.size * 0.3,
    right: look.size * 1.2,
    bottom: look.size * 0.3,
    top,
    outerBoundsMode: "same",
    outerBoundsContain: "axisLabel",
  };
}

function bars(data, look) {
  const lying = lies(data, look.width);
  const labelled = lying || data.labels.length * barsOf(data) <= (look.narrow ? 8 : 16);
  const category = labelAxis(data.labels, look, lying);
  const value = valueAxis(look);
  const full = data.unit === "%" && data.series.every((one) => one.values.every((each) => each === null || each <= 100));
  if (full && data.kind !== "line") value.max = 100;
  const series = data.series.map((one, number) => {
    const kind = kindOf(data, one);
    const colour = colourOf(one, number, look);
    return {
      name: one.name,
      type: kind,
      stack: data.kind === "stacked" ? "all" : undefined,
      // nought has no bar: its border would cut the bars beside it
      data: data.kind === "stacked" ? one.values.map((value) => value || null) : one.values,
      color: colour,
      barMaxWidth: look.size * 2.6,
      barMinHeight: data.kind === "stacked" ? 0 : 1,
      itemStyle: data.kind === "stacked" ? { borderColor: look.token("surface"), borderWidth: 1 } : {},
      lineStyle: { width: Math.max(2, look.size / 6), type: number % 2 ? "dashed" : "solid" },
      symbol: SYMBOLS[number % SYMBOLS.length],
      symbolSize: look.size * 0.55,
      showSymbol: data.labels.length <= 31,
      connectNulls: false,
      cursor: data.urls.some(Boolean) ? "pointer" : "default",
      emphasis: { disabled: true },
      label: {
        show: labelled && data.kind !== "stacked" && (kind === "bar" || data.series.length === 1),
        position: lying ? "right" : "top",
        color: look.token("ink"),
        fontSize: look.size,
        formatter: (point) => one.texts[point.dataIndex],
      },
      labelLayout: { hideOverlap: true },
    };
  });
  const box = grid(look, data.series.length > 1 ? look.size * (look.narrow && data.series.length > 2 ? 5.2 : 3.4) : look.size * 2);
  if (lying && data.kind !== "stacked") box.right = look.size * 5;
  return {
    grid: box,
    xAxis: lying ? value : category,
    yAxis: lying ? category : { ...value, scale: series.every((one) => one.type === "line") },
    series,
  };
}

function waterfall(data, look) {
  const [one] = data.series;
  const last = one.values.length - 1;
  let level = 0;
  const steps = one.values.map((value, at) => {
    const total = at === 0 || at === last;
    const from = total ? 0 : level;
    level = at === last ? value : from + value;
    const rise = value >= 0;
    const tone = total ? "accent" : !data.better || value === 0 ? "ink-3" : rise === (data.better === "up") ? "good" : "bad";
    return { low: Math.min(from, level), high: Math.max(from, level), colour: look.token(tone), total };
  });
  // bars that float need their foot: the axis may begin near the changes, since what counts is the difference
  const shown = (at) => (steps[at].total || one.values[at] < 0 ? "" : "+") + one.texts[at];
  const lows = steps.filter((step) => !step.total).map((step) => step.low);
  const highs = steps.map((step) => step.high);
  const foot = lows.length && Math.min(...lows) > 0 ? niceFoot(Math.min(...lows, ...steps.filter((s) => s.total).map((s) => s.high)), Math.max(...highs)) : null;
  const lying = lies(data, look.width);
  const category = labelAxis(data.labels, look, lying);
  const value = { ...valueAxis(look), min: foot === null ? undefined : foot };
  const box = grid(look, look.size * 2);
  if (lying) box.right = look.size * 4.5;
  return {
    grid: box,
    xAxis: lying ? value : category,
    yAxis: lying ? category : value,
    series: [
      {
        type: "bar",
        stack: "all",
        stackStrategy: "all", // a score may be driven below nought
        silent: true,
        data: steps.map((step) => (step.total ? 0 : step.low)),
        itemStyle: { color: "transparent" },
        emphasis: { disabled: true },
      },
      {
        name: one.name,
        type: "bar",
        stack: "all",
        stackStrategy: "all",
        barMaxWidth: look.size * 3.5,
        data: steps.map((step) => ({ value: step.total ? step.high : step.high - step.low, itemStyle: { color: step.colour } })),
        cursor: data.urls.some(Boolean) ? "pointer" : "default",
        emphasis: { disabled: true },
        label: {
          show: true,
          position: lying ? "right" : "top",
          color: look.token("ink"),
          fontSize: look.size,
          formatter: (point) => shown(point.dataIndex),
        },
      },
    ],
  };
}

function niceFoot(low, high) {
  const step = 10 ** Math.floor(Math.log10(Math.max(high - low, 1e-6)));
  return Math.max(0, Math.floor((low - (high - low) * 0.25) / step) * step);
}

function scatter(data, look) {
  const [along, up] = data.series;
  const name = (one) => (one.unit ? `${one.name} (${one.unit})` : one.name);
  const reach = along.values.filter((value) => value !== null);
  // names far to the right stand left of their points, where there is room
  const turn = Math.min(...reach) * 0.3 + Math.max(...reach) * 0.7;
  const points = data.labels.map((label, at) => ({
    name: label,
    value: [along.values[at], up.values[at]],
    label: { position: along.values[at] > turn ? "left" : "right" },
  }));
  return {
    grid: { ...grid(look, look.size * 2.6), bottom: look.size * 2.2, right: look.size * 2 },
    xAxis: {
      ...valueAxis(look, name(along)),
      scale: true,
      boundaryGap: ["8%", "8%"],
      nameLocation: "middle",
      nameGap: look.size * 2.1,
      nameTextStyle: { color: look.token("ink-2"), fontSize: look.size },
    },
    yAxis: {
      ...valueAxis(look, name(up)),
      scale: true,
      boundaryGap: ["8%", "8%"],
      nameLocation: "end",
      nameTextStyle: { color: look.token("ink-2"), fontSize: look.size, align: "left" },
    },
    series: [
      {
        type: "scatter",
        data: points,
        symbolSize: look.size * 0.9,
        itemStyle: { color: look.token("accent"), borderColor: look.token("surface"), borderWidth: 1 },
        cursor: data.urls.some(Boolean) ? "pointer" : "default",
        emphasis: { disabled: true },
        label: { show: true, formatter: "{b}", color: look.token("ink-2"), fontSize: look.size },
        labelLayout: { hideOverlap: true, moveOverlap: "shiftY" },
      },
    ],
  };
}

window.addEventListener("beforeprint", () => {
  for (const { figure, show, height, rows } of alive()) {
    figure.dataset.printing = "";
    const table = figure.querySelector("details");
    if (!table.open && rows <= PRINTED_ROWS) {
      table.open = true;
      figure.dataset.unfolded = "";
    }
    show({ width: PAPER_WIDTH, height: height() });
  }
});

window.addEventListener("afterprint", () => {
  for (const { figure, show, width, height } of alive()) {
    if ("unfolded" in figure.dataset) figure.querySelector("details").open = false;
    delete figure.dataset.unfolded;
    delete figure.dataset.printing;
    show({ width: width(), height: height() });
  }
});

// Figures that htmx has replaced are let go.
function alive() {
  for (const one of drawn) {
    if (one.figure.isConnected) continue;
    one.chart.dispose();
    drawn.delete(one);
  }
  return drawn;
}

start(document);
document.addEventListener("htmx:load", (event) => start(event.detail.elt));
