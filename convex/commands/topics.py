"""``convex topics``: create the topics that are declared in code."""

import asyncio

import typer

app = typer.Typer(help="Kafka topics.", no_args_is_help=True)


@app.command("create")
def create() -> None:
    """Create every topic that does not exist yet; you can run it as often as you like."""
    from rich.console import Console
    from rich.table import Table

    from convex.settings import read_settings
    from shared.config import KafkaSettings
    from shared.kafka.admin import create_topics
    from shared.kafka.topics import ALL_TOPICS

    settings = read_settings(KafkaSettings)
    outcome = asyncio.run(create_topics(settings))
    table = Table("topic", "key", "cleanup", "outcome")
    for topic in ALL_TOPICS:
        table.add_row(topic.name, topic.key, topic.config["cleanup.policy"], outcome[topic.name])
    Console().print(table)
