"""Run by Alembic: apply the migrations on the connection that `database` hands over.

``alembic`` names this module ``env_py`` when it loads it; imported under any other name it does nothing.
"""

from alembic import context

from services.notifier.store.tables import METADATA


def migrate() -> None:
    """Bring the schema of the given connection up to date."""
    # Batch mode: SQLite cannot alter a column in place.
    context.configure(
        connection=context.config.attributes["connection"], target_metadata=METADATA, render_as_batch=True
    )
    with context.begin_transaction():
        context.run_migrations()


if __name__ == "env_py":
    migrate()
