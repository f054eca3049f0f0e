// The estimator of costs.md. The prices are those of the table above it.
document$.subscribe(() => {
  const form = document.getElementById("estimator");
  if (!form) return;
  const prices = { x86: [0.04048, 0.004445], arm: [0.03238, 0.00356] };
  const value = (id) => form.querySelector("#" + id).value;
  const show = () => {
    const [vcpu, gb] = prices[value("architecture")];
    const hours = (Number(value("tasks")) * 30 * Math.max(Number(value("minutes")), 1)) / 60;
    const hourly = Number(value("cpu")) * vcpu + Number(value("memory")) * gb;
    const usd = hours * hourly * (1 - (0.7 * Number(value("spot"))) / 100);
    form.querySelector("#month").value = usd.toFixed(2) + " USD";
  };
  form.addEventListener("input", show);
  show();
});
