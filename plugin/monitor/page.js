// Draws every chart of the page in the page's colors, and again when these or the width change.
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
      nticks: 6,
    };
    const themed = {...scene};
    for (const axis of ['xaxis', 'yaxis', 'zaxis']) themed[axis] = {...plain, ...scene[axis]};
    const eye = scene.camera.eye;
    const distance = narrow.matches ? 1.15 : 1; // keeps the axes' names within the frame
    themed.camera = {eye: {x: eye.x * distance, y: eye.y * distance, z: eye.z * distance}};
    return themed;
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
    Plotly.react(chart.querySelector('.plot'), data, layoutOf(figure, data), {
      displaylogo: false,
      displayModeBar: touch.matches || narrow.matches ? false : 'hover',
      toImageButtonOptions: {filename: title ? title.textContent : 'chart', scale: 2},
    });
  }

  const drawAll = () => document.querySelectorAll('.chart').forEach(draw);
  dark.addEventListener('change', drawAll);
  narrow.addEventListener('change', drawAll);
  drawAll();
  const sizes = new ResizeObserver((entries) => {
    for (const entry of entries) Plotly.Plots.resize(entry.target);
  });
  document.querySelectorAll('.plot').forEach((plot) => sizes.observe(plot));
})();
