import base64
import json
import re
from ipaddress import ip_network
from pathlib import Path

import pytest

from services.notifier.core.message_ids import receiver_id_of
from services.notifier.core.signing import Ed25519Key
from services.notifier.subscriptions.file import load_subscriptions
from services.notifier.subscriptions.tables import EmailTable, WebhookTable
from services.notifier.subscriptions.targets import EmailTarget, WebhookTarget
from shared.contracts.records import DIVERGENCES
from shared.domain.deliveries import Channel
from shared.domain.divergences import Severity
from shared.errors import ConfigError
from tests.support.builders import divergence
from tests.support.certificates import certificate_for

KEY = b"a secret of the tests, 32 bytes!"
SECRET = "whsec_" + base64.b64encode(KEY).decode()
WEBHOOK = '[[subscription]]\nname = "desk"\nchannel = "webhook"\nurl = "https://desk.example/hook"\n'
EMAIL = '[[subscription]]\nname = "ann"\nchannel = "email"\naddress = "ann@example.com"\n'
EXAMPLE = Path(__file__).parents[4] / "deploy" / "env" / "subscriptions.toml.example"


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
    assert (target.headers, target.tls) == ((), None)


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


SEED = b"a seed of the tests, of 32 bytes"
SIGNING_KEY = "whsk_" + base64.b64encode(SEED).decode()
PUBLIC = Ed25519Key(SEED).public_key
TOKEN = "a-token-of-the-tests-16"


def webhooks(folder: Path, *tables: str, **environ: str) -> list[WebhookTarget]:
    path = written(folder, "".join(tables))
    targets = load_subscriptions(path, environ={"DESK": SECRET, "KEY": SIGNING_KEY, "TOKEN": TOKEN} | environ)
    return [target for target in targets if isinstance(target, WebhookTarget)]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ('secret_env = "DESK"', [KEY]),
        ('signature = "hmac"\nsecret_env = "DESK"', [KEY]),
        ('signature = "ed25519"\nsigning_key_env = "KEY"', [PUBLIC]),
        ('signature = "both"\nsecret_env = "DESK"\nsigning_key_env = ["KEY", "KEY"]', [KEY, PUBLIC, PUBLIC]),
    ],
)
def test_webhook_is_signed_by_the_keys_of_its_signature(
    tmp_path: Path, lines: str, expected: list[bytes | str]
) -> None:
    (target,) = webhooks(tmp_path, WEBHOOK + lines)

    assert [key.public_key if isinstance(key, Ed25519Key) else key for key in target.keys] == expected
    assert "keys" not in repr(target)


def test_webhook_may_have_headers_tokens_an_owner_and_an_interval(tmp_path: Path) -> None:
    (tmp_path / "tokens").write_text(f"{TOKEN}-1\n{TOKEN}-2\n")
    (target,) = webhooks(
        tmp_path,
        WEBHOOK,
        'secret_env = "DESK"\nowner = "ops@example.com"\nrepeat_interval_seconds = 90\n',
        'events_token_env = "TOKEN"\nevents_token_file = "tokens"\n',
        'headers = { X-Team = "gold" }\nheaders_env = { Authorization = "TOKEN" }\n',
    )

    assert target.headers == (("X-Team", "gold"), ("Authorization", TOKEN))
    assert target.events_tokens == (TOKEN, f"{TOKEN}-1", f"{TOKEN}-2")
    assert target.owner == "ops@example.com"
    assert target.subscription.repeat_interval_ns == 90_000_000_000
    assert TOKEN not in repr(target)


def test_mail_may_have_an_owner_and_an_interval(tmp_path: Path) -> None:
    text = EMAIL + 'owner = "ops@example.com"\nrepeat_interval_seconds = 0.5\n'

    (target,) = load_subscriptions(written(tmp_path, text), environ={})

    assert target.owner == "ops@example.com"
    assert target.subscription.repeat_interval_ns == 500_000_000


def test_plain_webhook_keeps_the_id_that_the_store_knows(tmp_path: Path) -> None:
    (target,) = webhooks(tmp_path, WEBHOOK + 'secret_env = "DESK"\n')

    assert target.subscription.receiver_id == receiver_id_of(
        channel="webhook", receiver="https://desk.example/hook"
    )


@pytest.mark.parametrize(
    ("first", "second", "is_one"),
    [
        ("", "", True),
        ("", 'pairs = ["gold-iwm"]', True),
        ('headers = { a = "1", b = "2" }', 'headers = { B = "2", A = "1" }', True),
        ("", 'headers = { a = "1" }', False),
        ('headers = { a = "1" }', 'headers = { a = "2" }', False),
        ('headers_env = { a = "TOKEN" }', 'headers_env = { a = "OTHER" }', False),
        ("", 'signature = "both"\nsigning_key_env = "KEY"', False),
    ],
)
def test_webhooks_are_one_receiver_if_what_is_sent_is_equal(
    tmp_path: Path, first: str, second: str, is_one: bool
) -> None:
    again = WEBHOOK.replace('"desk"', '"again"').replace("https://desk.example/", "HTTPS://DESK.example:443/")
    one, other = webhooks(
        tmp_path,
        f'{WEBHOOK}secret_env = "DESK"\n{first}\n',
        f'{again}secret_env = "DESK"\n{second}\n',
        OTHER=f"{TOKEN}-2",
    )

    assert (one.subscription.dedupe_key == other.subscription.dedupe_key) is is_one


def test_webhooks_with_different_keys_are_two_receivers_with_one_id(tmp_path: Path) -> None:
    other = "whsec_" + base64.b64encode(KEY[::-1]).decode()
    one, two = webhooks(
        tmp_path,
        f'{WEBHOOK}secret_env = "DESK"\n',
        WEBHOOK.replace('"desk"', '"again"') + 'secret_env = "OTHER"\n',
        OTHER=other,
    )

    assert one.subscription.dedupe_key != two.subscription.dedupe_key
    assert one.subscription.receiver_id == two.subscription.receiver_id


PAGERDUTY = 'body_template = "pagerduty"\ntemplate_secrets_env = { routing_key = "ROUTING" }\n'
TRADERSPOST = """
body_template = "traderspost"
template_values = { ticker = "GLD", risk_off = "buy", risk_on = "sell" }
"""


def test_webhook_may_have_a_body_template(tmp_path: Path) -> None:
    (target,) = webhooks(tmp_path, WEBHOOK + 'secret_env = "DESK"\n' + PAGERDUTY, ROUTING="sesame")

    assert target.body_template is not None
    body = json.loads(target.body_template.render(DIVERGENCES.encode(divergence())))
    assert (body["routing_key"], body["event_action"]) == ("sesame", "trigger")
    assert target.subscription.types is None
    assert "sesame" not in repr(target)


def test_file_of_a_template_is_beside_the_subscriptions(tmp_path: Path) -> None:
    (tmp_path / "own.json").write_text('{"link": "{{ link }}"}')
    path = written(tmp_path, WEBHOOK + 'secret_env = "DESK"\nbody_template = "own.json"\n')

    (target,) = load_subscriptions(path, environ={"DESK": SECRET}, public_url="https://convex.example/")

    assert isinstance(target, WebhookTarget)
    assert target.body_template is not None
    body = target.body_template.render(DIVERGENCES.encode(divergence()))
    assert body == b'{"link":"https://convex.example/compare/gold-vs-iwm"}'


def test_subscription_of_a_receiver_that_trades_gets_what_it_can_use(tmp_path: Path) -> None:
    every, some = webhooks(
        tmp_path,
        WEBHOOK + 'secret_env = "DESK"\n' + TRADERSPOST,
        WEBHOOK.replace('"desk"', '"some"') + 'secret_env = "DESK"\nkinds = ["ratio_stretch"]\n',
        'types = ["open", "closed"]\n' + TRADERSPOST,
    )

    assert every.subscription.types == frozenset({"open", "closed", "not_confirmed", "expired"})
    assert every.subscription.kinds == frozenset({"ratio_stretch", "opposite_moves"})
    assert some.subscription.types == frozenset({"open", "closed"})
    assert some.subscription.kinds == frozenset({"ratio_stretch"})


def test_mail_may_choose_types(tmp_path: Path) -> None:
    (target,) = load_subscriptions(written(tmp_path, EMAIL + 'types = ["open", "test"]\n'), environ={})

    assert target.subscription.types == frozenset({"open", "test"})


@pytest.mark.parametrize(
    ("first", "second", "is_one_id", "is_one_receiver"),
    [
        (PAGERDUTY, PAGERDUTY, True, True),
        (PAGERDUTY, "", False, False),
        (PAGERDUTY, PAGERDUTY.replace("ROUTING", "OTHER"), False, False),
        (TRADERSPOST, TRADERSPOST.replace("GLD", "IAU"), False, False),
        (TRADERSPOST, TRADERSPOST + 'types = ["open"]\n', True, True),
    ],
)
def test_receivers_behind_one_url_are_known_by_their_template(
    tmp_path: Path, first: str, second: str, is_one_id: bool, is_one_receiver: bool
) -> None:
    one, other = webhooks(
        tmp_path,
        f'{WEBHOOK}secret_env = "DESK"\n{first}',
        WEBHOOK.replace('"desk"', '"again"') + f'secret_env = "DESK"\n{second}',
        ROUTING="sesame",
        OTHER="sesame-2",
    )

    assert (one.subscription.receiver_id == other.subscription.receiver_id) is is_one_id
    assert (one.subscription.dedupe_key == other.subscription.dedupe_key) is is_one_receiver


def test_id_of_a_receiver_does_not_depend_on_secrets(tmp_path: Path) -> None:
    """It is stored: nobody who reads the store may check a guess of a secret against it."""
    (one,) = webhooks(tmp_path, WEBHOOK + 'secret_env = "DESK"\n' + PAGERDUTY, ROUTING="sesame")
    (other,) = webhooks(tmp_path, WEBHOOK + 'secret_env = "DESK"\n' + PAGERDUTY, ROUTING="sesame-2")

    assert one.subscription.receiver_id == other.subscription.receiver_id
    assert one.subscription.dedupe_key != other.subscription.dedupe_key


def test_address_that_is_not_public_is_refused_unless_its_network_is_allowed(tmp_path: Path) -> None:
    path = written(tmp_path, WEBHOOK.replace("desk.example", "10.1.2.3") + 'secret_env = "DESK"\n')

    with pytest.raises(
        ConfigError, match=r"\(desk\): url: 10\.1\.2\.3 is not public; CONVEX_NOTIFIER_WEBHOOK_"
    ):
        load_subscriptions(path, environ={"DESK": SECRET}, allowed_networks=())

    allowed = iter([ip_network("10.1.0.0/16")])
    assert load_subscriptions(path, environ={"DESK": SECRET}, allowed_networks=allowed)


def test_empty_file_subscribes_nobody(tmp_path: Path) -> None:
    assert load_subscriptions(written(tmp_path, "# nobody yet\n"), environ={}) == ()


def test_tables_of_the_example_can_be_used_as_they_stand(tmp_path: Path) -> None:
    text = re.sub(r"^# (?=\[\[|\w+ = )", "", EXAMPLE.read_text(), flags=re.MULTILINE)
    certificate_for("client", tmp_path)
    (tmp_path / "certificate.pem").rename(tmp_path / "client.crt")
    (tmp_path / "key.pem").rename(tmp_path / "client.key")
    secrets = {
        "DESK_WEBHOOK_SECRET": SECRET,
        "PAGER_WEBHOOK_SECRET": SECRET,
        "VAULT_SIGNING_KEY": SIGNING_KEY,
    }
    texts = dict.fromkeys(["DESK_AUTHORIZATION", "DESK_EVENTS_TOKEN", "PAGERDUTY_ROUTING_KEY"], TOKEN)

    targets = load_subscriptions(written(tmp_path, text), environ=secrets | texts, allowed_networks=())

    assert [target.subscription.name for target in targets] == ["desk", "vault", "pager", "ann"]
    assert load_subscriptions(EXAMPLE, environ={}) == ()


def test_example_shows_every_field() -> None:
    shown = set(re.findall(r"^# (\w+) = ", EXAMPLE.read_text(), flags=re.MULTILINE))
    fields = {*WebhookTable.model_fields, *EmailTable.model_fields}

    assert {name for name in fields - shown if not name.endswith("_file")} == {"template_values"}


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
        (EMAIL.replace('"email"', '"pigeon"'), "subscription 1: channel: must be webhook or email"),
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
            WEBHOOK.replace("desk.example", "desk.example:99999") + 'secret_env = "GOOD"\n',
            "(desk): url: must be http(s)://host/path without a user or a fragment, its port must",
        ),
        ("a = " + "[" * 20_000, "is not TOML"),
        ("a = " + "9" * 5_000, "is not TOML"),
        ('["a\\nb"]\n', "must contain only [[subscription]] tables, was a name of another form"),
        (EMAIL + '"a\\nb" = 1\n', "subscription 1: a name of another form: "),
        (EMAIL + "repeat_interval_seconds = -1\n", "subscription 1: repeat_interval_seconds: "),
        (EMAIL + "repeat_interval_seconds = nan\n", "subscription 1: repeat_interval_seconds: "),
        (EMAIL + "repeat_interval_seconds = inf\n", "subscription 1: repeat_interval_seconds: "),
        (EMAIL + 'repeat_interval_seconds = "1 h"\n', "subscription 1: repeat_interval_seconds: "),
        (EMAIL + 'owner = "ops"\n', "subscription 1 (ann): owner: must be name@domain"),
        (EMAIL + 'headers = { a = "1" }\n', "subscription 1: headers: "),
        (WEBHOOK + 'signature = "rsa"\n', "subscription 1: signature: "),
        (
            WEBHOOK + 'signature = "ed25519"\n',
            "(desk): signing_key_env or signing_key_file must name a key; make one with: echo whsk_",
        ),
        (
            WEBHOOK + 'signature = "both"\nsecret_env = "GOOD"\n',
            "(desk): signing_key_env or signing_key_file must name a key",
        ),
        (
            WEBHOOK + 'signature = "both"\nsigning_key_env = "SIGNING"\n',
            "(desk): secret_env or secret_file must",
        ),
        (
            WEBHOOK + 'signature = "ed25519"\nsecret_env = "GOOD"\nsigning_key_env = "SIGNING"\n',
            "(desk): signature: a secret is not used",
        ),
        (
            WEBHOOK + 'secret_env = "GOOD"\nsigning_key_env = "SIGNING"\n',
            "(desk): signature: a signing key is not used",
        ),
        (
            WEBHOOK + 'signature = "ed25519"\nsigning_key_env = "GOOD"\n',
            "signing_key_env: GOOD: a webhook signing key begins with whsk_",
        ),
        (
            WEBHOOK + 'signature = "ed25519"\nsigning_key_env = "NO_BASE64"\n',
            "signing_key_env: NO_BASE64: a webhook signing key is whsk_ and base64",
        ),
        (
            WEBHOOK + 'signature = "ed25519"\nsigning_key_env = "SHORT"\n',
            "signing_key_env: SHORT: a webhook signing key has 32 bytes, was 3",
        ),
        (
            WEBHOOK + 'secret_env = "GOOD"\nevents_token_env = "WEAK"\n',
            "(desk): events_token_env: WEAK: a token has 16 to 512",
        ),
        (
            WEBHOOK + 'secret_env = "GOOD"\nclient_key_file = "a.key"\n',
            "(desk): client_key_file: needs client_cert_file",
        ),
        (
            WEBHOOK + 'secret_env = "GOOD"\nclient_cert_file = "a.crt"\n',
            "a.crt: cannot be read (No such file",
        ),
        (
            WEBHOOK.replace("https:", "http:") + 'secret_env = "GOOD"\nclient_cert_file = "a.crt"\n',
            "(desk): client_cert_file: needs a URL that begins with https",
        ),
        (EMAIL + 'types = ["opened"]\n', "subscription 1: types.0: "),
        (EMAIL + "types = []\n", "subscription 1: types: "),
        (EMAIL + 'body_template = "pagerduty"\n', "subscription 1: body_template: "),
        (WEBHOOK + 'secret_env = "GOOD"\nbody_template = ""\n', "subscription 1: body_template: "),
        (
            WEBHOOK + 'secret_env = "GOOD"\nbody_template = "pagerdutty"\n',
            "(desk): body_template: must be one of pagerduty, opsgenie, traderspost, 3commas, or the name of",
        ),
        (
            WEBHOOK + 'secret_env = "GOOD"\nbody_template = "pagerduty"\n',
            "(desk): body_template: pagerduty: line 2: routing_key: ",
        ),
        (
            WEBHOOK + 'secret_env = "GOOD"\n' + PAGERDUTY,
            "(desk): template_secrets_env.routing_key: ROUTING is not set",
        ),
        (
            WEBHOOK + 'secret_env = "GOOD"\n' + PAGERDUTY.replace("ROUTING", "EMPTY"),
            "(desk): template_secrets_env.routing_key: EMPTY: must be 1 to 4096 printable characters",
        ),
        (
            WEBHOOK + 'secret_env = "GOOD"\ntemplate_values = { a = 1 }\n',
            "(desk): template_values: needs body_template",
        ),
        (
            WEBHOOK + 'secret_env = "GOOD"\ntemplate_secrets_env = { a = "GOOD" }\n',
            "(desk): template_secrets_env: needs body_template",
        ),
        (
            WEBHOOK + 'secret_env = "GOOD"\nkinds = ["data_fault", "hedge_lost"]\n' + TRADERSPOST,
            "(desk): kinds: a receiver of body_template traderspost cannot use data_fault, hedge_lost; it",
        ),
        (
            WEBHOOK + 'secret_env = "GOOD"\ntypes = ["open", "test"]\n' + TRADERSPOST,
            "(desk): types: a receiver of body_template traderspost cannot use test; it can use closed",
        ),
        (
            WEBHOOK + 'secret = "hunter2"\n',
            "subscription 1: secret: a secret does not belong in this file; use secret_env or secret_file",
        ),
        (WEBHOOK + 'secret_env = "GOOD"\ncolour = 1\n', "subscription 1: colour: there is no such field"),
        (
            WEBHOOK + 'secret_env = "GOOD"\nheaders = { Webhook-Id = "1" }\n',
            "(desk): headers.Webhook-Id: the notifier sets this header itself",
        ),
        (
            WEBHOOK.replace("https://desk.example/hook", "https://[::1") + 'secret_env = "GOOD"\n',
            "(desk): url: ",
        ),
    ],
)
def test_what_is_wrong_is_named_in_one_line(tmp_path: Path, text: str, complaint: str) -> None:
    path = written(tmp_path, text)
    environ = {"WEAK": "hunter2", "GOOD": SECRET, "SIGNING": SIGNING_KEY}
    environ |= {"EMPTY": " ", "NO_BASE64": "whsk_hunter2!", "SHORT": "whsk_AAAA"}

    with pytest.raises(ConfigError) as caught:
        load_subscriptions(path, environ=environ)

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
        (WEBHOOK + f'secret_env = "GOOD"\nsigning_key_env = "{SECRET}"\n', "signing_key_env"),
        (WEBHOOK + f'secret_env = "GOOD"\nsigning_key_file = "{SECRET}"\n', "signing_key_file"),
        (WEBHOOK + f'secret_env = "GOOD"\nevents_token_env = "{SECRET}"\n', "events_token_env"),
        (WEBHOOK + f'secret_env = "GOOD"\nheaders_env = {{ A = "{SECRET}" }}\n', "headers_env.A"),
        (WEBHOOK.replace("/hook", f"/{SECRET}\\n") + 'secret_env = "GOOD"\n', "url"),
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
