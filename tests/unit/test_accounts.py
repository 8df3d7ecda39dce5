"""[[bridges]]: each account's faults by its key path, names that differ, secrets, and the environment by name."""

from pathlib import Path

import pytest

from hub.accounts import TelegramAccount, XmppAccount, name_of
from hub.config import Config, load
from hub.errors import ConfigError

TELEGRAM = '[[bridges]]\nkind = "telegram"\n'
XMPP = '[[bridges]]\nkind = "xmpp"\n'
TOKEN = 'token = "123456789:AAE4-abcdefghijklmnopqrstuvwxyz01234"\n'
ACCOUNT = 'jid = "hub@example.org"\npassword = "hunter2hunter2"\n'


def read(folder: Path, text: str, **environ: str) -> Config:
    path = folder / "config.toml"
    path.write_text(text, encoding="utf-8")
    return load(path, environ)


def faults(folder: Path, text: str, **environ: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        read(folder, text, **environ)
    return caught.value.faults


def test_accounts_are_read_by_their_kind(tmp_path: Path) -> None:
    telegram, xmpp = read(tmp_path, TELEGRAM + TOKEN + XMPP + ACCOUNT).bridges

    assert isinstance(telegram, TelegramAccount)
    assert isinstance(xmpp, XmppAccount)
    assert (name_of(telegram), name_of(xmpp)) == ("telegram", "xmpp")


def test_every_fault_of_every_account_is_told_at_once_with_its_key_path(tmp_path: Path) -> None:
    found = faults(
        tmp_path,
        '[[bridges]]\nkind = "icq"\n' + TELEGRAM + 'tokn = "x"\n' + XMPP + "port = 0\nplaintext = true\n" + ACCOUNT,
    )

    assert sorted(line.partition(":")[0] for line in found) == [
        "bridges[0].kind",
        "bridges[1].token",
        "bridges[1].tokn",
        "bridges[2].plaintext",
        "bridges[2].port",
    ]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("bridges = 3", "bridges: each is a section of its own ([[bridges]]); it is 3"),
        ("bridges = [3]", "bridges[0]: must be a section ([[bridges]]); it is 3"),
        ("[[bridges]]", "bridges[0].kind: missing; it must be one of telegram, xmpp"),
        ('[[bridges]]\nkind = "icq"', """bridges[0].kind: "icq" isn't known; it must be one of telegram, xmpp"""),
        (TELEGRAM, "bridges[0].token: missing; @BotFather gives one: set it, or point token_file at a file with it"),
        (XMPP + 'jid = "hub@example.org"', "bridges[0].password: missing; it's the account's, or the component's"),
        (TELEGRAM + 'token = "/bot123"', "bridges[0].token: isn't a bot's token; @BotFather gives one"),
        (TELEGRAM + 'token_file = "/no/such"', "bridges[0].token_file: '/no/such' can't be read; create it"),
        (TELEGRAM + TOKEN + 'token_file = "/etc/hosts"', "bridges[0].token_file: set besides token; keep one"),
        (TELEGRAM + TOKEN + "access = 'list'", "bridges[0].allow: empty, and so nobody may write"),
        (TELEGRAM + TOKEN + 'name = "My Bot"', "bridges[0].name: takes a-z, 0-9 and -"),
        (TELEGRAM + TOKEN + 'name = "http"', "bridges[0].name: 'http' is taken by the hub itself"),
        (TELEGRAM + TOKEN + 'allow = ["Ann Lee"]', "bridges[0].allow: each must be a user id"),
        (TELEGRAM + TOKEN + "allow = [4711]", "bridges[0].allow: must be text, not a whole number - at `$[0]`"),
        (TELEGRAM + TOKEN + 'api_url = "tg"', "bridges[0].api_url: must begin with http:// or https://"),
        (TELEGRAM + TOKEN + 'mode = "webhook"', "bridges[0].webhook_url: missing; say how Telegram reaches the hub"),
        (TELEGRAM + TOKEN + 'webhook_secret = "a b"', "bridges[0].webhook_secret: takes"),
        (XMPP + 'password = "x"', "bridges[0].jid: must be an account, as hub@example.org; it is ''"),
        (XMPP + ACCOUNT + 'component = true\nhost = "::1"', "bridges[0].jid: must be a component's domain"),
        (XMPP + 'jid = "a.b"\npassword = "x"\ncomponent = true\nhost = "h"', "bridges[0].host: must be this machine"),
        (XMPP + 'jid = "a.example"\npassword = "x"\ncomponent = true', "bridges[0].host: missing; a component"),
        (XMPP + ACCOUNT + "plaintext = true", "bridges[0].plaintext: only with a host on this machine"),
        (XMPP + ACCOUNT + 'ca_file = "/no/ca"', "bridges[0].ca_file: '/no/ca' can't be read"),
        (XMPP + ACCOUNT + 'rooms = ["tea"]', "bridges[0].rooms: each must be room@muc.example.org"),
        (XMPP + ACCOUNT + 'owner = "ann"', "bridges[0].owner: must be an address, as ann@example.org"),
    ],
)  # fmt: skip
def test_a_fault_names_the_key_and_the_way_out(tmp_path: Path, text: str, fault: str) -> None:
    found = faults(tmp_path, text)

    assert len(found) == 1
    assert found[0].replace("`", "").startswith(fault.replace("`", ""))


@pytest.mark.parametrize("url", ["http://h.example", "https://h.example:8080", "https://", "https://h.example:99999"])
def test_telegram_calls_only_webhooks_with_tls_at_its_ports(tmp_path: Path, url: str) -> None:
    found = faults(tmp_path, TELEGRAM + TOKEN + f'mode = "webhook"\nwebhook_url = "{url}"')

    assert [line.partition(":")[0] for line in found] == ["bridges[0].webhook_url"]


@pytest.mark.parametrize("url", ["https://h.example", "https://h.example:8443/hub/"])
def test_a_webhook_may_be_at_telegrams_ports_and_below_a_path(tmp_path: Path, url: str) -> None:
    assert read(tmp_path, TELEGRAM + TOKEN + f'mode = "webhook"\nwebhook_url = "{url}"').bridges


def test_a_bot_api_server_of_ones_own_calls_any_port_without_tls(tmp_path: Path) -> None:
    own = 'mode = "webhook"\nwebhook_url = "http://127.0.0.1:4711"\napi_url = "http://127.0.0.1:8081"'

    assert read(tmp_path, TELEGRAM + TOKEN + own).bridges


def test_two_accounts_need_two_names_and_two_tokens(tmp_path: Path) -> None:
    assert faults(tmp_path, 2 * (TELEGRAM + TOKEN)) == (
        "bridges[1].name: 'telegram' is taken by bridges[0]; give each account a name of its own",
        "bridges[1].token: is that of bridges[0] too; Telegram serves a bot at one place only",
    )


def test_secrets_come_from_files_and_never_show_themselves(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("123456789:AAE4-abcdefghijklm\n", encoding="utf-8")
    config = read(
        tmp_path, TELEGRAM + f'token_file = "{tmp_path}/token"\nwebhook_secret = "s3cret-s3cret"\n' + XMPP + ACCOUNT
    )
    telegram, xmpp = config.bridges

    assert isinstance(telegram, TelegramAccount)
    assert isinstance(xmpp, XmppAccount)
    assert (telegram.token, xmpp.password) == ("123456789:AAE4-abcdefghijklm", "hunter2hunter2")
    assert not any(secret in repr(config) for secret in ("AAE4", "hunter2", "s3cret"))


def test_the_environment_finds_an_account_by_its_name(tmp_path: Path) -> None:
    text = TELEGRAM + TOKEN + TELEGRAM + 'name = "my-bot"\n'
    config = read(tmp_path, text, AGENTHOST__BRIDGES__MY_BOT__TOKEN="42:AAE4", AGENTHOST__BRIDGES__TELEGRAM__PACE="3")

    first, second = config.bridges
    assert isinstance(second, TelegramAccount)
    assert (first.pace, second.token) == (3.0, "42:AAE4")


def test_an_account_may_stand_in_the_environment_alone(tmp_path: Path) -> None:
    prefix = "AGENTHOST__BRIDGES__BOT__"
    config = read(
        tmp_path, "", **{f"{prefix}ALLOW": "4711, @ann", f"{prefix}KIND": "telegram", f"{prefix}TOKEN": "42:A"}
    )

    assert [(name_of(account), account.allow) for account in config.bridges] == [("bot", ("4711", "@ann"))]


def test_a_fault_from_the_environment_names_the_variable(tmp_path: Path) -> None:
    found = faults(tmp_path, TELEGRAM, AGENTHOST__BRIDGES__TELEGRAM__TOKEN="0815x")

    assert found[0].startswith("bridges[0].token: isn't a bot's token")
    assert found[0].endswith("(from the environment's AGENTHOST__BRIDGES__TELEGRAM__TOKEN)")
    assert "0815x" not in found[0]


def test_a_name_in_the_environment_that_no_account_has_is_told(tmp_path: Path) -> None:
    found = faults(tmp_path, TELEGRAM + TOKEN, AGENTHOST__BRIDGES__TELEGRAMM__PACE="3")

    assert "AGENTHOST__BRIDGES__TELEGRAMM__PACE" in found[0]
