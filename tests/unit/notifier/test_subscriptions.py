import base64
import re
from pathlib import Path

import pytest

from services.notifier.subscriptions import EmailTarget, WebhookTarget, load_subscriptions
from shared.domain.deliveries import Channel
from shared.domain.divergences import Severity
from shared.errors import ConfigError

KEY = b"a secret of the tests, 32 bytes!"
SECRET = "whsec_" + base64.b64encode(KEY).decode()
WEBHOOK = '[[subscription]]\nname = "desk"\nchannel = "webhook"\nurl = "https://desk.example/hook"\n'
EMAIL = '[[subscription]]\nname = "ann"\nchannel = "email"\naddress = "ann@example.com"\n'
EXAMPLE = Path(__file__).parents[3] / "deploy" / "env" / "subscriptions.toml.example"


def written(folder: Path, text: str) -> Path:
    path = folder / "subscriptions.toml"
    path.write_text(text)
    return path


def test_webhook_with_every_field(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        WEBHOOK
        + 'secret_env = "DESK"\npairs = ["gold-iwm"]\nkinds = ["ratio_stretch"]\nmin_severity = "critical"\n',
    )

    (target,) = load_subscriptions(path, environ={"DESK": SECRET + "\n"})

    assert isinstance(target, WebhookTarget)
    assert target.keys == (KEY,)
    assert target.subscription.channel is Channel.WEBHOOK
    assert target.subscription.receiver == "https://desk.example/hook"
    assert target.subscription.pairs == frozenset({"gold-iwm"})
    assert target.subscription.kinds == frozenset({"ratio_stretch"})
    assert target.subscription.min_severity is Severity.CRITICAL


def test_mail_wants_everything_unless_it_says_otherwise(tmp_path: Path) -> None:
    (target,) = load_subscriptions(written(tmp_path, EMAIL), environ={})

    assert isinstance(target, EmailTarget)
    assert target.subscription.receiver == "ann@example.com"
    assert target.subscription.pairs is None
    assert target.subscription.kinds is None
    assert target.subscription.min_severity is Severity.WARNING


def test_two_secrets_may_sign_while_one_replaces_the_other(tmp_path: Path) -> None:
    other = "whsec_" + base64.b64encode(KEY[::-1]).decode()
    (tmp_path / "keys").write_text(f"{SECRET}\n{other}\n")
    path = written(tmp_path, WEBHOOK + 'secret_file = "keys"\n')

    (target,) = load_subscriptions(path, environ={})

    assert isinstance(target, WebhookTarget)
    assert target.keys == (KEY, KEY[::-1])


def test_keys_do_not_show(tmp_path: Path) -> None:
    (target,) = load_subscriptions(
        written(tmp_path, WEBHOOK + 'secret_env = "DESK"\n'), environ={"DESK": SECRET}
    )

    assert "secret of the tests" not in repr(target)


def test_empty_file_subscribes_nobody(tmp_path: Path) -> None:
    assert load_subscriptions(written(tmp_path, "# nobody yet\n"), environ={}) == ()


def test_tables_of_the_example_can_be_used_as_they_stand(tmp_path: Path) -> None:
    text = re.sub(r"^# (?=\[\[|\w+ = )", "", EXAMPLE.read_text(), flags=re.MULTILINE)

    targets = load_subscriptions(written(tmp_path, text), environ={"DESK_WEBHOOK_SECRET": SECRET})

    assert [type(target) for target in targets] == [WebhookTarget, EmailTarget]
    assert load_subscriptions(EXAMPLE, environ={}) == ()


def test_misspelt_pair_is_refused_and_the_known_ones_named(tmp_path: Path) -> None:
    """Would have caught: the subscription was accepted and no message was ever sent."""
    path = written(tmp_path, EMAIL + 'pairs = ["gold-iwm", "gold-iwn"]\n')

    with pytest.raises(ConfigError) as caught:
        load_subscriptions(path, environ={}, pairs=("silver-iwm", "gold-iwm"))

    assert str(caught.value) == (
        f"{path}: subscription 1 (ann): pairs: there is no gold-iwn; CONVEX_PAIRS has gold-iwm, silver-iwm"
    )
    assert load_subscriptions(path, environ={}, pairs=("gold-iwm", "gold-iwn"))
    assert load_subscriptions(written(tmp_path, EMAIL), environ={}, pairs=("gold-iwm",))


def test_missing_file_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"none\.toml: cannot be read .* CONVEX_NOTIFIER_SUBSCRIPTIONS_FILE"
    ):
        load_subscriptions(tmp_path / "none.toml", environ={})


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("name = ", "is not TOML"),
        ('[[subscriber]]\nname = "a"\n', "must contain only [[subscription]] tables, was subscriber"),
        ("subscription = 5\n", "subscription: must be [[subscription]] tables"),
        (
            EMAIL.replace("[[subscription]]", "[subscription]"),
            "[subscription] must be written [[subscription]]",
        ),
        ('[[subscription]]\nname = "a"\n', "subscription 1: channel: "),
        (EMAIL.replace('"email"', '"pigeon"'), "subscription 1: channel: "),
        (EMAIL.replace('"ann"', '"ann lee"'), "subscription 1: name: "),
        (EMAIL + EMAIL, "subscription 2: name: ann is used twice"),
        (EMAIL.replace("ann@example.com", "ann at example"), "subscription 1 (ann): address: "),
        (
            EMAIL.replace("ann@example.com", "ann@example.com\\r\\nBcc: x@y.z"),
            "subscription 1 (ann): address: ",
        ),
        (EMAIL.replace("ann@", "ånn@"), "subscription 1 (ann): address: must be name@domain in ASCII"),
        (EMAIL + 'min_severity = "bad"\n', "subscription 1: min_severity: "),
        (EMAIL + 'kinds = ["ratio_strech"]\n', "subscription 1: kinds.0: "),
        (EMAIL + "pairs = []\n", "subscription 1: pairs: "),
        (EMAIL + 'pair = "gold-iwm"\n', "subscription 1: pair: "),
        (WEBHOOK, "subscription 1 (desk): secret_env or secret_file must name a secret; make one with"),
        (WEBHOOK + 'secret_env = "NONE"\n', "secret_env: NONE is not set"),
        (WEBHOOK + 'secret_env = "CONVEX_SECRET"\n', "names that begin with CONVEX_ are settings"),
        (WEBHOOK + 'secret_env = "WEAK"\n', "secret_env: WEAK: a webhook secret begins with whsec_"),
        (
            WEBHOOK + 'secret_file = "none"\n',
            "secret_file: must be the name of a readable file (No such file",
        ),
        (
            WEBHOOK.replace("https:", "ftp:") + 'secret_env = "GOOD"\n',
            "(desk): url: must be http(s)://host/path",
        ),
        (WEBHOOK.replace("desk.example", "u:p@desk.example") + 'secret_env = "GOOD"\n', "url: must be"),
        (
            WEBHOOK.replace("https://desk.example/hook", "https://[::1") + 'secret_env = "GOOD"\n',
            "(desk): url: ",
        ),
    ],
)
def test_what_is_wrong_is_named_in_one_line(tmp_path: Path, text: str, complaint: str) -> None:
    path = written(tmp_path, text)

    with pytest.raises(ConfigError) as caught:
        load_subscriptions(path, environ={"WEAK": "hunter2", "GOOD": SECRET})

    assert complaint in str(caught.value)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        (WEBHOOK + f'secret_env = "{SECRET}"\n', "secret_env"),
        (WEBHOOK + f'secret_env = ["GOOD", "{SECRET}"]\n', "secret_env"),
        (WEBHOOK + f'secret_env = "CONVEX_{SECRET}"\n', "secret_env"),
        (WEBHOOK + f'secret_file = "{SECRET}"\n', "secret_file"),
        (WEBHOOK + f'secret_file = "{SECRET * 9}"\n', "secret_file"),
        (WEBHOOK + f'secret_file = "{SECRET}\\u0000"\n', "secret_file"),
        (WEBHOOK.replace("//desk", f"//u:{SECRET}@desk") + 'secret_env = "GOOD"\n', "url"),
        (WEBHOOK.replace("https://desk", f"ftp://u:{SECRET}@desk") + 'secret_env = "GOOD"\n', "url"),
        (WEBHOOK.replace("desk.example/hook", f"desk:{SECRET}") + 'secret_env = "GOOD"\n', "url"),
    ],
)
def test_secret_in_the_wrong_place_is_not_repeated(tmp_path: Path, text: str, field: str) -> None:
    """Would have caught: the message quoted the secret whole, into logs and terminals."""
    with pytest.raises(ConfigError) as caught:
        load_subscriptions(written(tmp_path, text), environ={"GOOD": SECRET})

    assert f"subscription 1 (desk): {field}: must " in str(caught.value)
    assert SECRET.removeprefix("whsec_")[:8] not in str(caught.value)
