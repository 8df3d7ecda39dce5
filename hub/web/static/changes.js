// Who had a task's state changed last, and why.
import { STATES } from "./shell.js";
import { t } from "./words.js";

const BY = {
  person: (state) => t("{state}, says you", { state }),
  agent: (state) => t("{state}, says its agent", { state }),
  supervisor: (state) => t("{state}, says the supervisor", { state }),
  schedule: (state) => t("{state}, says its schedule", { state }),
  hub: (state) => t("{state}, says the hub", { state }),
};
export function changeOf({ state, changed: { by, why } }) {
  const what = BY[by](STATES[state]);
  return why ? t("{what}: {why}", { what, why }) : what;
}
