// The commands that the composer offers, with what each does.
import { t } from "./words.js";

export const COMMANDS = [
  ["/new", t("begin a new task")], ["/tasks", t("list your open tasks")],
  ["/task", t("see or write to one: /task 3 TEXT")], ["/move", t("move your last message: /move 3")],
  ["/stop", t("stop what’s running")], ["/resume", t("go on with a stopped task")],
  ["/status", t("how the hub is")], ["/schedule", t("later: /schedule tomorrow at 9 TEXT")], ["/timezone", t("your time zone")],
  ["/agent", t("list the agents")], ["/model", t("which model answers")], ["/human", t("a human instead of an agent")],
  ["/approve", t("allow what a task asks for")], ["/deny", t("refuse what a task asks for")],
  ["/follow", t("hear of a task in this chat too: /follow 3")], ["/unfollow", t("hear of it here no more")],
  ["/quiet", t("at night: /quiet 22-7")], ["/digest", t("your day")],
  ["/whoami", t("who the hub takes you for")], ["/pair", t("link another account")], ["/unlink", t("take an account off you")],
  ["/start", t("a short welcome")], ["/help", t("all commands")],
];
