// Have a button asked twice: pressed once it asks, pressed again within some seconds it does it.
export function sure(button, question, pick) {
  const words = button.textContent;
  button.addEventListener("click", () => {
    if (button.dataset.sure) return pick();
    button.dataset.sure = "yes";
    button.textContent = question;
    setTimeout(() => { delete button.dataset.sure; button.textContent = words; }, 4000);
  });
  return button;
}
