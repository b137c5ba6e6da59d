"""History cannot be rewritten; the first case number, the epoch and the default ladders exist.

The triggers stop UPDATE, DELETE and TRUNCATE on facts and on the log of reads. One role may blank data past its
retention (`hoichan_retention`); it keeps hashes, so that chains still verify.
"""

import json
import secrets
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

APPEND_ONLY = ("event", "stream_entry", "access_log")

# The default ladder, minutes after the request at which each step is added; earlier ones ring on.
# Editable data: these rows are versioned, and frozen on each callout when it opens.
DEFAULTS = {
    "red": (
        5 * 60,
        [
            {"who": ["red_team"], "timeout_s": 120},
            {"who": ["red_team"], "timeout_s": 60},
            {"who": ["coordinator"], "timeout_s": 120},
        ],
    ),
    "orange": (
        15 * 60,
        [
            {"who": ["primary"], "timeout_s": 300},
            {"who": ["backup"], "timeout_s": 240},
            {"who": ["head_of_shift"], "timeout_s": 180},
            {"who": ["leadership"], "timeout_s": 180},
            {"who": ["coordinator"], "timeout_s": 120},
        ],
    ),
    "yellow": (
        60 * 60,
        [
            {"who": ["primary"], "timeout_s": 900},
            {"who": ["backup"], "timeout_s": 900},
            {"who": ["head_of_shift"], "timeout_s": 900},
            {"who": ["coordinator"], "timeout_s": 120},
        ],
    ),
    "green": (
        24 * 3600,
        [
            {"who": ["primary"], "timeout_s": 120 * 60, "clock": "working_hours"},
            {"who": ["backup"], "timeout_s": 360 * 60, "clock": "working_hours"},
            {"who": ["coordinator"], "timeout_s": 120, "clock": "wall"},
        ],
    ),
}


def upgrade() -> None:
    op.execute("CREATE SEQUENCE case_number START 1")
    op.execute("ALTER TABLE stream SET (fillfactor = 50)")
    op.execute(
        """
        CREATE FUNCTION refuse_rewriting() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          IF current_user = 'hoichan_retention' AND TG_OP = 'UPDATE' AND TG_TABLE_NAME = 'event' THEN
            RETURN NEW;
          END IF;
          RAISE EXCEPTION 'history is append-only: % on %', TG_OP, TG_TABLE_NAME
            USING ERRCODE = 'integrity_constraint_violation';
        END $$
        """
    )
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_is_history BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_rewriting()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_is_kept BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting()"
        )
    now = datetime.now(UTC)
    connection = op.get_bind()
    connection.execute(
        sa.text(
            "INSERT INTO installation (id, epoch, demo, name, created_at) VALUES (1, :epoch, false, 'hoichan', :now)"
        ),
        {"epoch": secrets.token_hex(8), "now": now},
    )
    for urgency, (due, steps) in DEFAULTS.items():
        connection.execute(
            sa.text(
                "INSERT INTO escalation_policy (id, urgency, version, steps, answer_due_s, valid_from) "
                "VALUES (gen_random_uuid(), :urgency, 1, CAST(:steps AS jsonb), :due, :now)"
            ),
            {"urgency": urgency, "steps": json.dumps(steps), "due": due, "now": now},
        )


def downgrade() -> None:
    for table in APPEND_ONLY:
        op.execute(f"DROP TRIGGER {table}_is_kept ON {table}")
        op.execute(f"DROP TRIGGER {table}_is_history ON {table}")
    op.execute("DROP FUNCTION refuse_rewriting()")
    op.execute("DROP SEQUENCE case_number")
    op.execute("DELETE FROM escalation_policy")
    op.execute("DELETE FROM installation")
