// Who had a task's state changed last, and why.
import { STATES } from "./shell.js";

const WHO = { person: "you", agent: "its agent", supervisor: "the supervisor", schedule: "its schedule", hub: "the hub" };
export const changeOf = ({ state, changed }) => `${STATES[state]}, says ${WHO[changed.by]}${changed.why ? `: ${changed.why}` : ""}`;
