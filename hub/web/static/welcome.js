// What one may write to begin with.
import { t } from "./words.js";

export const TRIES = [t("What’s the date in 90 days?"), t("Remember that my bike is a blue Brompton."), t("What is 17.5% of 1,240?")];
