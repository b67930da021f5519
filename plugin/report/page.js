// Draws every chart of the page in the page's colors, and again when these or the width change; and
// copies what is there to be copied.
(() => {
  'use strict';
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const narrow = matchMedia('(max-width: 40rem)');
  const touch = matchMedia('(pointer: coarse)');
  const kLongestLabel = 18; // characters, on narrow screens

  const color = (name) =>
    getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim();

  // A figure says {"theme": NAME} where it means a color of the page.
  function resolve(part) {
    if (Array.isArray(part)) return part.map(resolve);
    if (part === null || typeof part !== 'object') return part;
    if (typeof part.theme === 'string') return color(part.theme);
    return Object.fromEntries(Object.entries(part).map(([key, value]) => [key, resolve(value)]));
  }

  // Long names keep both ends: layers differ at the end, stages at the beginning.
  function shortened(name) {
    if (name.length <= kLongestLabel) return name;
    const half = Math.floor(kLongestLabel / 2);
    return name.slice(0, half) + '…' + name.slice(-half);
  }

  function aliases(data, axis) {
    const names = data.flatMap((trace) => trace[axis] || []);
    return Object.fromEntries(names.map((name) => [name, shortened(String(name))]));
  }

  function themedAxis(axis, data, letter) {
    const themed = {
      automargin: true,
      gridcolor: color('line'),
      zerolinecolor: color('line'),
      linecolor: color('line'),
      tickcolor: color('line'),
      ...axis,
    };
    themed.title = {standoff: 8, font: {size: 13}, ...axis.title};
    if (narrow.matches && axis.type === 'category') themed.labelalias = aliases(data, letter);
    return themed;
  }

  function themedScene(scene) {
    const plain = {
      backgroundcolor: 'rgba(0,0,0,0)',
      gridcolor: color('line'),
      zerolinecolor: color('line'),
      color: color('ink'),
      nticks: narrow.matches ? 4 : 6,
      tickfont: {size: narrow.matches ? 10 : 12},
    };
    const themed = {...scene};
    for (const axis of ['xaxis', 'yaxis', 'zaxis']) {
      themed[axis] = {...plain, ...scene[axis]};
      themed[axis].title = {...themed[axis].title, font: {size: narrow.matches ? 11 : 13}};
    }
    if (narrow.matches) themed.zaxis.title.text = ''; // which the color bar says
    const eye = scene.camera.eye;
    const distance = narrow.matches ? 1.3 : 1.2; // keeps the axes' names within the frame
    themed.camera = {eye: {x: eye.x * distance, y: eye.y * distance, z: eye.z * distance}};
    return themed;
  }

  function channels(hex) {
    return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  }

  // WCAG 2.2's relative luminance.
  function luminance(rgb) {
    const linear = rgb.map((channel) => {
      const share = channel / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  }

  // Of black and white the one that stands out: by 4.5 to 1 or more on any color.
  function inkOn(rgb) {
    return (luminance(rgb) + 0.05) ** 2 < 1.05 * 0.05 ? '#ffffff' : '#000000';
  }

  // The numbers of a heat map between two colors, each in an ink that stands out of its cell.
  function cellTexts(trace) {
    const [low, high] = [trace.colorscale[0], trace.colorscale.at(-1)].map(([, hex]) =>
      channels(hex));
    const all = trace.z.flat().filter((value) => value !== null);
    const [least, greatest] = [Math.min(...all), Math.max(...all)];
    const texts = {type: 'scatter', mode: 'text', x: [], y: [], text: [], hoverinfo: 'skip'};
    texts.textfont = {size: 11, color: []};
    trace.z.forEach((row, i) => row.forEach((value, j) => {
      if (value === null) return;
      const share = greatest > least ? (value - least) / (greatest - least) : 0;
      texts.x.push(trace.x[j]);
      texts.y.push(trace.y[i]);
      texts.text.push(String(value));
      texts.textfont.color.push(inkOn(low.map((from, k) => from + share * (high[k] - from))));
    }));
    return texts;
  }

  // On narrow screens color bars lie below the chart instead of taking from its width.
  function themedTrace(trace) {
    if (!narrow.matches || !trace.colorbar) return trace;
    const title = {...trace.colorbar.title, side: 'bottom'};
    const flat = {orientation: 'h', yref: 'container', y: 0, yanchor: 'bottom', title};
    return {...trace, colorbar: {...trace.colorbar, ...flat}};
  }

  function layoutOf(figure, data) {
    const layout = {
      paper_bgcolor: 'rgba(0,0,0,0)',
      plot_bgcolor: 'rgba(0,0,0,0)',
      font: {family: getComputedStyle(document.body).fontFamily, size: 13, color: color('ink')},
      hoverlabel: {
        bgcolor: color('card'),
        bordercolor: color('line'),
        font: {color: color('ink')},
        namelength: -1,
      },
      legend: {orientation: 'h', x: 0, y: 1.02, yanchor: 'bottom', traceorder: 'normal'},
      modebar: {
        bgcolor: 'rgba(0,0,0,0)',
        color: color('muted'),
        activecolor: color('accent'),
        remove: ['select2d', 'lasso2d', 'autoScale2d', 'resetCameraLastSave3d'],
      },
      margin: narrow.matches ? {l: 44, r: 8, t: 28, b: 40} : {l: 56, r: 16, t: 28, b: 48},
      dragmode: touch.matches ? false : 'zoom', // a finger scrolls the page
      ...figure.layout,
    };
    const hasBarBelow = narrow.matches && data.some((trace) => trace.colorbar);
    if (hasBarBelow) layout.margin = {...layout.margin, b: (layout.margin.b || 0) + 72};
    if (layout.scene) {
      layout.scene = themedScene(layout.scene);
      layout.dragmode = 'orbit';
    } else {
      layout.xaxis = themedAxis(layout.xaxis || {}, data, 'x');
      layout.yaxis = themedAxis(layout.yaxis || {}, data, 'y');
    }
    return layout;
  }

  function draw(chart) {
    const figure = resolve(JSON.parse(chart.querySelector('script').textContent));
    const title = chart.querySelector('h3');
    const data = figure.data.map(themedTrace);
    data.push(...figure.data.filter((trace) => trace.meta === 'numbers').map(cellTexts));
    Plotly.react(chart.querySelector('.plot'), data, layoutOf(figure, data), {
      displaylogo: false,
      displayModeBar: touch.matches || narrow.matches ? false : 'hover',
      toImageButtonOptions: {filename: title ? title.textContent : 'chart', scale: 2},
    });
  }

  function selectAndCopy(code) {
    getSelection().selectAllChildren(code);
    return document.execCommand('copy');
  }

  // Browsers may refuse the clipboard to a file; what is selected they copy.
  async function copy(button) {
    const code = button.parentElement.querySelector('code');
    let isCopied = true;
    try {
      await navigator.clipboard.writeText(code.textContent);
    } catch {
      isCopied = selectAndCopy(code);
    }
    button.textContent = isCopied ? 'Copied' : 'Selected';
    setTimeout(() => (button.textContent = 'Copy'), 2000);
  }

  document.querySelectorAll('.code button').forEach((button) => {
    button.hidden = false;
    button.addEventListener('click', () => copy(button));
  });

  if (!document.querySelector('.chart')) return;
  const drawAll = () => document.querySelectorAll('.chart').forEach(draw);
  dark.addEventListener('change', drawAll);
  narrow.addEventListener('change', drawAll);
  drawAll();
  const sizes = new ResizeObserver((entries) => {
    for (const entry of entries) Plotly.Plots.resize(entry.target);
  });
  document.querySelectorAll('.plot').forEach((plot) => sizes.observe(plot));
})();
