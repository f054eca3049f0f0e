// The estimator of costs.md. The prices are those of the table above it.
document$.subscribe(() => {
  const place = document.getElementById("estimator");
  if (!place) return;
  const prices = { x86: [0.04048, 0.004445], ARM: [0.03238, 0.00356] };
  const choose = (name, values, chosen) =>
    `<select name="${name}">${values.map((v) => `<option${v === chosen ? " selected" : ""}>${v}</option>`).join("")}</select>`;
  const number = (name, value, step) => `<input name="${name}" type="number" min="0" step="${step}" value="${value}">`;
  const rows = [
    ["tasks a day", number("tasks", 1000, 1)],
    ["minutes each, image pull included", number("minutes", 5, 0.5)],
    ["vCPU", choose("cpu", ["0.25", "0.5", "1", "2", "4", "8", "16"], "0.5")],
    ["memory in GB", number("memory", 2, 0.5)],
    ["architecture", choose("architecture", Object.keys(prices), "x86")],
    ["share on Spot in %", number("spot", 0, 1)],
    ["<b>USD in 30 days</b>", '<output name="usd"></output>'],
  ];
  place.innerHTML = `<form><table>${rows.map((row) => `<tr><td>${row.join("</td><td>")}</td></tr>`).join("")}</table></form>`;
  const form = place.firstChild;
  const show = () => {
    const of = (name) => Number(form.elements[name].value);
    const [vcpu, gb] = prices[form.elements.architecture.value];
    const hours = (of("tasks") * 30 * Math.max(of("minutes"), 1)) / 60;
    const usd = hours * (of("cpu") * vcpu + of("memory") * gb) * (1 - (0.7 * Math.min(of("spot"), 100)) / 100);
    form.elements.usd.value = usd.toFixed(2);
  };
  form.addEventListener("input", show);
  show();
});
