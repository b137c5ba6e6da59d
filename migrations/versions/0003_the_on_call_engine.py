"""The on-call engine: rotas that are edited, gaps and reachability that are watched, channels beyond the socket.

Every addition has a default or may be empty, so that the version before this one goes on serving while it runs.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# Seconds without a word after acceptance before it rings again; editable data, as the ladders are.
SILENT_S = {"red": 180, "orange": 600, "yellow": 1800, "green": 4 * 3600}

# A rota's counter grows with every change of its slots, whoever makes it; what rings compares it with what it saw.
# To be told that duty began or ended is no change: that would make watches and compilations wait for each other.
DUTY_CHANGED = """
CREATE FUNCTION duty_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE schedule SET duty_version = duty_version + 1, duty_changed_at = clock_timestamp()
    WHERE id IN (SELECT schedule_id FROM changed);
  RETURN NULL;
END $$
"""
DUTY_SLOT_CHANGED = """
CREATE FUNCTION duty_slot_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE schedule SET duty_version = duty_version + 1, duty_changed_at = clock_timestamp() WHERE id = NEW.schedule_id;
  RETURN NULL;
END $$
"""


def upgrade() -> None:
    op.create_table(
        "channel",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False, comment="telephone number, e-mail address or push endpoint"),
        sa.Column("keys", postgresql.JSONB(astext_type=sa.Text()), nullable=True, comment="push: {p256dh, auth}"),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("quiet_from", sa.Time(), nullable=True, comment="local time of the house; emergencies override"),
        sa.Column("quiet_to", sa.Time(), nullable=True),
        sa.Column("language", sa.Text(), server_default="vi", nullable=False, comment="vi or en"),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "gone_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="the push service says that the device is gone",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_channel_user_id_user_account"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_channel")),
    )
    op.create_index("uq_channel_address", "channel", ["user_id", "kind", "address"], unique=True)
    op.create_table(
        "leave",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("doctor_id", sa.Uuid(), nullable=False),
        sa.Column("during", postgresql.TSTZRANGE(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        postgresql.ExcludeConstraint(
            (sa.column("doctor_id"), "="),
            (sa.column("during"), "&&"),
            where=sa.text("state IN ('requested', 'approved')"),
            using="gist",
            name="ex_leave_one_at_a_time",
        ),
        sa.CheckConstraint("NOT isempty(during)", name=op.f("ck_leave_not_empty")),
        sa.ForeignKeyConstraint(["decided_by"], ["user_account.id"], name=op.f("fk_leave_decided_by_user_account")),
        sa.ForeignKeyConstraint(["doctor_id"], ["user_account.id"], name=op.f("fk_leave_doctor_id_user_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_leave")),
    )
    op.create_table(
        "duty_gap",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("schedule_id", sa.Uuid(), nullable=True),
        sa.Column("desk_id", sa.Uuid(), nullable=True, comment="a desk that has no rota at all"),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("during", postgresql.TSTZRANGE(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False, comment="nobody or unreachable"),
        sa.Column("doctor_id", sa.Uuid(), nullable=True, comment="who could not be reached; still rung for patients"),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told", sa.Integer(), nullable=False, comment="how often the head of the rota was told"),
        sa.Column(
            "next_told_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when the head is told again; empty once closed",
        ),
        sa.CheckConstraint("(closed_at IS NULL) = (next_told_at IS NOT NULL)", name=op.f("ck_duty_gap_open_is_told")),
        sa.CheckConstraint("NOT isempty(during)", name=op.f("ck_duty_gap_not_empty")),
        sa.CheckConstraint("num_nonnulls(schedule_id, desk_id) = 1", name=op.f("ck_duty_gap_one_owner")),
        sa.ForeignKeyConstraint(["desk_id"], ["desk.id"], name=op.f("fk_duty_gap_desk_id_desk"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["doctor_id"], ["user_account.id"], name=op.f("fk_duty_gap_doctor_id_user_account")),
        sa.ForeignKeyConstraint(
            ["schedule_id"], ["schedule.id"], name=op.f("fk_duty_gap_schedule_id_schedule"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duty_gap")),
    )
    op.create_index(
        "ix_duty_gap_due", "duty_gap", ["next_told_at"], unique=False, postgresql_where=sa.text("closed_at IS NULL")
    )
    op.create_index(op.f("ix_duty_gap_schedule_id"), "duty_gap", ["schedule_id"], unique=False)
    op.create_index(
        "uq_duty_gap_open",
        "duty_gap",
        ["schedule_id", "desk_id", "role", "kind", "doctor_id", sa.literal_column("lower(during)")],
        unique=True,
        postgresql_where=sa.text("closed_at IS NULL"),
        postgresql_nulls_not_distinct=True,
    )
    op.create_table(
        "feed",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=False),
        sa.Column("doctor_id", sa.Uuid(), nullable=True),
        sa.Column("schedule_id", sa.Uuid(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("num_nonnulls(doctor_id, schedule_id) = 1", name=op.f("ck_feed_one_subject")),
        sa.ForeignKeyConstraint(
            ["doctor_id"], ["user_account.id"], name=op.f("fk_feed_doctor_id_user_account"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["made_by"], ["user_account.id"], name=op.f("fk_feed_made_by_user_account"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["schedule_id"], ["schedule.id"], name=op.f("fk_feed_schedule_id_schedule"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feed")),
        sa.UniqueConstraint("digest", name=op.f("uq_feed_digest")),
    )
    op.create_index(op.f("ix_feed_made_by"), "feed", ["made_by"], unique=False)
    op.create_table(
        "imported_shift",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("schedule_id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False, comment="csv or ical, and what the caller calls it"),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("recurrence_id", sa.Text(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False, comment="a higher one wins"),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("doctor_id", sa.Uuid(), nullable=False),
        sa.Column("during", postgresql.TSTZRANGE(), nullable=False),
        sa.CheckConstraint("NOT isempty(during)", name=op.f("ck_imported_shift_not_empty")),
        sa.ForeignKeyConstraint(
            ["doctor_id"], ["user_account.id"], name=op.f("fk_imported_shift_doctor_id_user_account")
        ),
        sa.ForeignKeyConstraint(
            ["schedule_id"], ["schedule.id"], name=op.f("fk_imported_shift_schedule_id_schedule"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imported_shift")),
    )
    op.create_index(
        "uq_imported_shift_identity", "imported_shift", ["schedule_id", "source", "uid", "recurrence_id"], unique=True
    )
    op.create_table(
        "reachability_check",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("schedule_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("doctor_id", sa.Uuid(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("via", sa.Text(), nullable=True, comment="client, link, voice or sms; e-mail alone never passes"),
        sa.ForeignKeyConstraint(
            ["doctor_id"], ["user_account.id"], name=op.f("fk_reachability_check_doctor_id_user_account")
        ),
        sa.ForeignKeyConstraint(
            ["schedule_id"],
            ["schedule.id"],
            name=op.f("fk_reachability_check_schedule_id_schedule"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reachability_check")),
    )
    op.create_index(op.f("ix_reachability_check_doctor_id"), "reachability_check", ["doctor_id"], unique=False)
    op.create_index(
        "ix_reachability_check_due",
        "reachability_check",
        ["starts_at"],
        unique=False,
        postgresql_where=sa.text("state = 'asked'"),
    )
    op.create_index(
        "uq_reachability_check_once",
        "reachability_check",
        ["schedule_id", "doctor_id", "starts_at"],
        unique=True,
    )
    op.create_table(
        "reminder",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("consultation_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False, comment="the opinion or conclusion"),
        sa.Column("step", sa.Integer(), nullable=False, comment="-1 nobody yet; then requester, ward, coordinator"),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(closed_at IS NULL) = (next_due_at IS NOT NULL)", name=op.f("ck_reminder_open_has_due_time")
        ),
        sa.ForeignKeyConstraint(
            ["consultation_id"], ["consultation.id"], name=op.f("fk_reminder_consultation_id_consultation")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reminder")),
        sa.UniqueConstraint("event_id", name=op.f("uq_reminder_event_id")),
    )
    op.create_index(op.f("ix_reminder_consultation_id"), "reminder", ["consultation_id"], unique=False)
    op.create_index(
        "ix_reminder_due", "reminder", ["next_due_at"], unique=False, postgresql_where=sa.text("closed_at IS NULL")
    )
    op.create_table(
        "swap",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("schedule_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("giver_id", sa.Uuid(), nullable=False),
        sa.Column("taker_id", sa.Uuid(), nullable=True),
        sa.Column("during", postgresql.TSTZRANGE(), nullable=False),
        sa.Column(
            "returns",
            postgresql.TSTZRANGE(),
            nullable=True,
            comment="the taker's duty that the giver takes in exchange",
        ),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(state = 'taken') = (taker_id IS NOT NULL)", name=op.f("ck_swap_taken_by_somebody")),
        sa.CheckConstraint("NOT isempty(during)", name=op.f("ck_swap_not_empty")),
        postgresql.ExcludeConstraint(
            (sa.column("schedule_id"), "="),
            (sa.column("role"), "="),
            (sa.column("giver_id"), "="),
            (sa.column("during"), "&&"),
            where=sa.text("state = 'offered'"),
            using="gist",
            name="ex_swap_offered_once",
        ),
        sa.ForeignKeyConstraint(["giver_id"], ["user_account.id"], name=op.f("fk_swap_giver_id_user_account")),
        sa.ForeignKeyConstraint(
            ["schedule_id"], ["schedule.id"], name=op.f("fk_swap_schedule_id_schedule"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["taker_id"], ["user_account.id"], name=op.f("fk_swap_taker_id_user_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_swap")),
    )
    op.create_index(
        "ix_swap_open",
        "swap",
        [sa.literal_column("lower(during)")],
        unique=False,
        postgresql_where=sa.text("state = 'offered'"),
    )
    op.create_index(op.f("ix_swap_schedule_id"), "swap", ["schedule_id"], unique=False)
    op.create_table(
        "telephone_call",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("consultation_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, comment="when it took place"),
        sa.Column("by_id", sa.Uuid(), nullable=False),
        sa.Column("by_name", sa.Text(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False, comment="asking or answering: who wrote it down"),
        sa.Column("text", sa.Text(), nullable=False, comment="what was said, typed"),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_by", sa.Uuid(), nullable=True),
        sa.Column("confirmed_by_name", sa.Text(), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["by_id"], ["user_account.id"], name=op.f("fk_telephone_call_by_id_user_account")),
        sa.ForeignKeyConstraint(
            ["confirmed_by"], ["user_account.id"], name=op.f("fk_telephone_call_confirmed_by_user_account")
        ),
        sa.ForeignKeyConstraint(
            ["consultation_id"], ["consultation.id"], name=op.f("fk_telephone_call_consultation_id_consultation")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_telephone_call")),
    )
    op.create_index(op.f("ix_telephone_call_consultation_id"), "telephone_call", ["consultation_id"], unique=False)
    op.create_table(
        "temporary_rota",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("schedule_id", sa.Uuid(), nullable=False),
        sa.Column("roles", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("during", postgresql.TSTZRANGE(), nullable=False),
        sa.Column(
            "shifts", postgresql.JSONB(astext_type=sa.Text()), nullable=False, comment="{role, doctor, from, to}"
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint("NOT isempty(during)", name=op.f("ck_temporary_rota_not_empty")),
        sa.ForeignKeyConstraint(["made_by"], ["user_account.id"], name=op.f("fk_temporary_rota_made_by_user_account")),
        sa.ForeignKeyConstraint(
            ["schedule_id"], ["schedule.id"], name=op.f("fk_temporary_rota_schedule_id_schedule"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_temporary_rota")),
    )
    op.create_index(op.f("ix_temporary_rota_schedule_id"), "temporary_rota", ["schedule_id"], unique=False)
    op.create_table(
        "notice",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False, comment="the same for every attempt, and sent along"),
        sa.Column(
            "kind",
            sa.Text(),
            nullable=False,
            comment="the template: offer, reachability, gap, advice, alarm, duty, agreement, test, clear, hangup",
        ),
        sa.Column(
            "about",
            sa.Text(),
            nullable=False,
            comment="offer:<id>, check:<id>, gap:<id>, consultation:<id>: stops together",
        ),
        sa.Column("user_id", sa.Uuid(), nullable=True, comment="empty: a ward's telephone"),
        sa.Column("channel_id", sa.Uuid(), nullable=True),
        sa.Column("channel", sa.Text(), nullable=False, comment="push, sms, voice or email"),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("words", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("drill", sa.Boolean(), nullable=False),
        sa.Column(
            "offer_id", sa.Uuid(), nullable=True, comment="no foreign key: checking one would wait for the case's lock"
        ),
        sa.Column("consultation_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False, comment="when it is sent, or tried again"),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True, comment="the key pressed, or the link's answer"),
        sa.Column("provider_id", sa.Text(), nullable=True, comment="what the gateway calls it"),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column(
            "captured",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="what would have gone out, where nothing goes outside: development and the demonstration",
        ),
        sa.ForeignKeyConstraint(
            ["channel_id"], ["channel.id"], name=op.f("fk_notice_channel_id_channel"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_notice_user_id_user_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
        sa.UniqueConstraint("key", name=op.f("uq_notice_key")),
    )
    op.create_index("ix_notice_about", "notice", ["about"], unique=False)
    op.create_index("ix_notice_due", "notice", ["due_at"], unique=False, postgresql_where=sa.text("state = 'waiting'"))
    op.create_index(op.f("ix_notice_provider_id"), "notice", ["provider_id"], unique=False)
    op.create_index("ix_notice_made", "notice", ["made_at"], unique=False)
    op.create_index("ix_notice_user_made", "notice", ["user_id", "made_at"], unique=False)
    op.create_index(
        "ix_notice_offer_open",
        "notice",
        ["offer_id"],
        unique=False,
        postgresql_where=sa.text("offer_id IS NOT NULL AND state IN ('waiting', 'sent', 'delivered')"),
    )
    op.create_table(
        "answer_link",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False, comment="offer:<id> or check:<id>"),
        sa.Column("notice_id", sa.Uuid(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True, comment="accept, decline or here"),
        sa.ForeignKeyConstraint(
            ["notice_id"], ["notice.id"], name=op.f("fk_answer_link_notice_id_notice"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_answer_link_user_id_user_account"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_answer_link")),
    )
    op.create_index(op.f("ix_answer_link_notice_id"), "answer_link", ["notice_id"], unique=False)
    op.add_column("agreement", sa.Column("version", sa.Integer(), server_default="1", nullable=False))
    op.add_column(
        "agreement",
        sa.Column(
            "warned_days", sa.Integer(), nullable=True, comment="the last warning before its end: 60, 30 or 7 days"
        ),
    )
    op.add_column("callout", sa.Column("ended_reason", sa.Text(), nullable=True))
    op.add_column(
        "callout",
        sa.Column(
            "question", sa.Text(), nullable=True, comment="what this desk is asked, where it is not the case's question"
        ),
    )
    op.add_column(
        "callout",
        sa.Column(
            "passed_over",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default="[]",
            nullable=False,
            comment="doctors on duty who had no room for this case",
        ),
    )
    op.add_column(
        "callout",
        sa.Column(
            "duty_until",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when duty next begins or ends for somebody rung here",
        ),
    )
    op.add_column(
        "callout",
        sa.Column(
            "duty_seen",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default="{}",
            nullable=False,
            comment="duty_version of each rota, by its owner, when last looked",
        ),
    )
    op.add_column(
        "offer",
        sa.Column(
            "off_duty_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when the duty ended for which it was made; taken back once a successor has theirs",
        ),
    )
    op.add_column(
        "schedule",
        sa.Column(
            "duty_version",
            sa.BigInteger(),
            server_default="0",
            nullable=False,
            comment="counts changes of its slots, by trigger",
        ),
    )
    op.add_column(
        "schedule",
        sa.Column(
            "duty_changed_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when that counter moved last, by the clock of the database",
        ),
    )
    for name, rows in (("waiting", "passed_over <> '[]'"), ("rung_again", "round > 1")):
        op.create_index(
            f"ix_callout_{name}", "callout", ["id"], postgresql_where=sa.text(f"state = 'ringing' AND {rows}")
        )
    op.create_index(
        "ix_duty_slot_schedule_from", "duty_slot", ["schedule_id", sa.literal_column("lower(during)")], unique=False
    )
    op.create_index(
        "ix_consultation_identifiers",
        "consultation",
        ["identifiers"],
        unique=False,
        postgresql_using="gin",
        postgresql_ops={"identifiers": "jsonb_path_ops"},
        postgresql_where=sa.text("identifiers <> '[]'"),
    )
    op.execute(DUTY_CHANGED)
    op.execute(DUTY_SLOT_CHANGED)
    for happening, rows in (("INSERT", "NEW"), ("DELETE", "OLD")):
        op.execute(
            f"CREATE TRIGGER duty_slot_{happening.lower()} AFTER {happening} ON duty_slot "
            f"REFERENCING {rows} TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION duty_changed()"
        )
    op.execute(
        "CREATE TRIGGER duty_slot_update AFTER UPDATE OF during, doctor_id, role ON duty_slot "
        "FOR EACH ROW EXECUTE FUNCTION duty_slot_changed()"
    )
    op.add_column(
        "consultation",
        sa.Column(
            "heard_at", sa.DateTime(timezone=True), nullable=True, comment="the holder's last message or confirmed call"
        ),
    )
    op.add_column(
        "consultation",
        sa.Column(
            "next_due_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when a held case has been silent, or unanswered, too long",
        ),
    )
    op.add_column(
        "consultation",
        sa.Column(
            "ward_owner_id",
            sa.Uuid(),
            nullable=True,
            comment="who answers for the asking side; empty: the requester",
        ),
    )
    op.add_column(
        "consultation",
        sa.Column(
            "telephoned_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when the question was asked by telephone; the case was entered afterwards, at created_at",
        ),
    )
    op.add_column(
        "consultation",
        sa.Column(
            "told_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when the answer was heard on the telephone",
        ),
    )
    op.add_column(
        "consultation",
        sa.Column(
            "told_by_id",
            sa.Uuid(),
            nullable=True,
            comment="who answered, as the ward says; empty: known by name only",
        ),
    )
    op.add_column("consultation", sa.Column("told_by_name", sa.Text(), nullable=True))
    op.create_foreign_key(
        op.f("fk_consultation_told_by_id_user_account"), "consultation", "user_account", ["told_by_id"], ["id"]
    )
    op.create_check_constraint(
        op.f("ck_consultation_asked_and_told"), "consultation", "(telephoned_at IS NULL) = (told_at IS NULL)"
    )
    op.add_column(
        "read_back",
        sa.Column(
            "done_already",
            sa.Boolean(),
            nullable=True,
            comment="of a correction: was the old advice carried out before",
        ),
    )
    op.create_index(
        "ix_consultation_due",
        "consultation",
        ["next_due_at"],
        unique=False,
        postgresql_where=sa.text("next_due_at IS NOT NULL"),
    )
    op.create_index(
        "ix_consultation_holder_active",
        "consultation",
        ["holder_id"],
        unique=False,
        postgresql_where=sa.text("status = 'active'"),
    )
    op.add_column(
        "duty_slot",
        sa.Column(
            "start_told_at", sa.DateTime(timezone=True), nullable=True, comment="when the doctor was told that it began"
        ),
    )
    op.add_column(
        "duty_slot",
        sa.Column(
            "end_told_at", sa.DateTime(timezone=True), nullable=True, comment="when the doctor was told that it ended"
        ),
    )
    op.create_index(
        "ix_duty_slot_end_untold",
        "duty_slot",
        [sa.literal_column("upper(during)")],
        unique=False,
        postgresql_where=sa.text("end_told_at IS NULL"),
    )
    op.create_index(
        "ix_duty_slot_start_untold",
        "duty_slot",
        [sa.literal_column("lower(during)")],
        unique=False,
        postgresql_where=sa.text("start_told_at IS NULL"),
    )
    op.add_column(
        "escalation_policy",
        sa.Column(
            "silent_s",
            sa.Integer(),
            server_default="900",
            nullable=False,
            comment="seconds without a word after acceptance, then it rings again",
        ),
    )
    op.add_column("escalation_policy", sa.Column("made_by", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_escalation_policy_made_by_user_account"), "escalation_policy", "user_account", ["made_by"], ["id"]
    )
    op.add_column("holiday", sa.Column("name", sa.Text(), server_default="", nullable=False))
    op.add_column(
        "holiday", sa.Column("source", sa.Text(), server_default="own", nullable=False, comment="library or own")
    )
    op.add_column("layer", sa.Column("name", sa.Text(), server_default="", nullable=False))
    op.add_column("offer", sa.Column("answered_via", sa.Text(), nullable=True, comment="client, voice or link"))
    op.add_column(
        "offer",
        sa.Column(
            "noticed_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when its messages outside the socket were planned",
        ),
    )
    op.create_index(
        "ix_offer_unnoticed",
        "offer",
        ["made_at"],
        unique=False,
        postgresql_where=sa.text("state = 'made' AND noticed_at IS NULL"),
    )
    op.add_column("override", sa.Column("made_by", sa.Uuid(), nullable=True))
    op.create_foreign_key(op.f("fk_override_made_by_user_account"), "override", "user_account", ["made_by"], ["id"])
    op.add_column(
        "schedule",
        sa.Column(
            "rest_hours",
            sa.Integer(),
            server_default="12",
            nullable=False,
            comment="rest between duties below which it warns",
        ),
    )
    op.alter_column(
        "schedule",
        "version",
        existing_type=sa.INTEGER(),
        comment="counts publications; an edit names the one it saw",
        existing_nullable=False,
    )
    op.add_column(
        "installation",
        sa.Column(
            "duty_looked_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when a process last looked at all rotas for gaps, as time goes on",
        ),
    )
    op.add_column(
        "installation",
        sa.Column(
            "vapid_private_key",
            sa.Text(),
            nullable=True,
            comment="signs web pushes; made at the first start, shared by all processes",
        ),
    )
    op.add_column(
        "user_account",
        sa.Column(
            "capacity",
            sa.Integer(),
            nullable=True,
            comment="cases held at once before they are passed over; empty: any",
        ),
    )
    op.add_column(
        "user_account",
        sa.Column(
            "capacity_version",
            sa.Integer(),
            server_default="1",
            nullable=False,
            comment="counts changes of capacity; an edit names the one it saw",
        ),
    )
    # With time before role and doctor, who is on call is answered from the index of this constraint alone.
    _never_twice("schedule_id WITH =, during WITH &&, role WITH =, doctor_id WITH =")
    op.create_index(
        "ix_user_account_coordinator",
        "user_account",
        ["hospital_id"],
        unique=False,
        postgresql_where=sa.text("role = 'coordinator'"),
    )
    for urgency, silent_s in SILENT_S.items():
        op.execute(f"UPDATE escalation_policy SET silent_s = {silent_s} WHERE urgency = '{urgency}'")  # noqa: S608
    # Cases that are held unanswered now are looked at soon.
    op.execute(
        "UPDATE consultation SET next_due_at = greatest(answer_due_at, now() + interval '15 minutes') "
        "WHERE status = 'active' AND answered_at IS NULL"
    )
    # Duty that began before anybody was told of such things is not told late.
    op.execute("UPDATE duty_slot SET start_told_at = lower(during) WHERE lower(during) <= now()")
    op.execute("UPDATE duty_slot SET end_told_at = upper(during) WHERE upper(during) <= now()")


def downgrade() -> None:
    op.drop_index(
        "ix_user_account_coordinator", table_name="user_account", postgresql_where=sa.text("role = 'coordinator'")
    )
    _never_twice("schedule_id WITH =, role WITH =, doctor_id WITH =, during WITH &&")
    op.drop_column("user_account", "capacity_version")
    op.drop_column("user_account", "capacity")
    op.drop_column("installation", "duty_looked_at")
    op.drop_column("installation", "vapid_private_key")
    op.alter_column(
        "schedule",
        "version",
        existing_type=sa.INTEGER(),
        comment=None,
        existing_comment="counts publications; an edit names the one it saw",
        existing_nullable=False,
    )
    op.drop_column("schedule", "rest_hours")
    op.drop_constraint(op.f("fk_override_made_by_user_account"), "override", type_="foreignkey")
    op.drop_column("override", "made_by")
    op.drop_index(
        "ix_offer_unnoticed", table_name="offer", postgresql_where=sa.text("state = 'made' AND noticed_at IS NULL")
    )
    op.drop_column("offer", "noticed_at")
    op.drop_column("offer", "answered_via")
    op.drop_column("layer", "name")
    op.drop_column("holiday", "source")
    op.drop_column("holiday", "name")
    op.drop_constraint(op.f("fk_escalation_policy_made_by_user_account"), "escalation_policy", type_="foreignkey")
    op.drop_column("escalation_policy", "made_by")
    op.drop_column("escalation_policy", "silent_s")
    op.drop_index(
        "ix_duty_slot_start_untold", table_name="duty_slot", postgresql_where=sa.text("start_told_at IS NULL")
    )
    op.drop_index("ix_duty_slot_end_untold", table_name="duty_slot", postgresql_where=sa.text("end_told_at IS NULL"))
    op.drop_column("duty_slot", "end_told_at")
    op.drop_column("duty_slot", "start_told_at")
    op.drop_index(
        "ix_consultation_holder_active", table_name="consultation", postgresql_where=sa.text("status = 'active'")
    )
    op.drop_index("ix_consultation_due", table_name="consultation", postgresql_where=sa.text("next_due_at IS NOT NULL"))
    op.drop_column("read_back", "done_already")
    op.drop_constraint(op.f("ck_consultation_asked_and_told"), "consultation", type_="check")
    op.drop_constraint(op.f("fk_consultation_told_by_id_user_account"), "consultation", type_="foreignkey")
    for column in ("told_by_name", "told_by_id", "told_at", "telephoned_at"):
        op.drop_column("consultation", column)
    op.drop_column("consultation", "ward_owner_id")
    op.drop_column("consultation", "next_due_at")
    op.drop_column("consultation", "heard_at")
    for happening in ("insert", "update", "delete"):
        op.execute(f"DROP TRIGGER duty_slot_{happening} ON duty_slot")
    op.execute("DROP FUNCTION duty_changed()")
    op.execute("DROP FUNCTION duty_slot_changed()")
    op.drop_index("ix_consultation_identifiers", table_name="consultation")
    op.drop_index("ix_duty_slot_schedule_from", table_name="duty_slot")
    for name in ("waiting", "rung_again"):
        op.drop_index(f"ix_callout_{name}", table_name="callout")
    op.drop_column("schedule", "duty_changed_at")
    op.drop_column("schedule", "duty_version")
    op.drop_column("offer", "off_duty_at")
    op.drop_column("callout", "duty_seen")
    op.drop_column("callout", "duty_until")
    op.drop_column("callout", "passed_over")
    op.drop_column("callout", "question")
    op.drop_column("callout", "ended_reason")
    op.drop_column("agreement", "warned_days")
    op.drop_column("agreement", "version")
    op.drop_index(op.f("ix_answer_link_notice_id"), table_name="answer_link")
    op.drop_table("answer_link")
    op.drop_index(
        "ix_notice_offer_open",
        table_name="notice",
        postgresql_where=sa.text("offer_id IS NOT NULL AND state IN ('waiting', 'sent', 'delivered')"),
    )
    op.drop_index("ix_notice_user_made", table_name="notice")
    op.drop_index("ix_notice_made", table_name="notice")
    op.drop_index(op.f("ix_notice_provider_id"), table_name="notice")
    op.drop_index("ix_notice_due", table_name="notice", postgresql_where=sa.text("state = 'waiting'"))
    op.drop_index("ix_notice_about", table_name="notice")
    op.drop_table("notice")
    op.drop_index(op.f("ix_temporary_rota_schedule_id"), table_name="temporary_rota")
    op.drop_table("temporary_rota")
    op.drop_index(op.f("ix_telephone_call_consultation_id"), table_name="telephone_call")
    op.drop_table("telephone_call")
    op.drop_index(op.f("ix_swap_schedule_id"), table_name="swap")
    op.drop_index("ix_swap_open", table_name="swap", postgresql_where=sa.text("state = 'offered'"))
    op.drop_table("swap")
    op.drop_index("ix_reminder_due", table_name="reminder", postgresql_where=sa.text("closed_at IS NULL"))
    op.drop_index(op.f("ix_reminder_consultation_id"), table_name="reminder")
    op.drop_table("reminder")
    op.drop_index("uq_reachability_check_once", table_name="reachability_check")
    op.drop_index(
        "ix_reachability_check_due", table_name="reachability_check", postgresql_where=sa.text("state = 'asked'")
    )
    op.drop_index(op.f("ix_reachability_check_doctor_id"), table_name="reachability_check")
    op.drop_table("reachability_check")
    op.drop_index("uq_imported_shift_identity", table_name="imported_shift")
    op.drop_table("imported_shift")
    op.drop_index(op.f("ix_feed_made_by"), table_name="feed")
    op.drop_table("feed")
    op.drop_index("uq_duty_gap_open", table_name="duty_gap", postgresql_where=sa.text("closed_at IS NULL"))
    op.drop_index(op.f("ix_duty_gap_schedule_id"), table_name="duty_gap")
    op.drop_index("ix_duty_gap_due", table_name="duty_gap", postgresql_where=sa.text("closed_at IS NULL"))
    op.drop_table("duty_gap")
    op.drop_table("leave")
    op.drop_index("uq_channel_address", table_name="channel")
    op.drop_table("channel")


def _never_twice(columns: str) -> None:
    """Build the constraint that keeps a doctor from being on duty twice in one role anew, in this order."""
    op.execute(
        "ALTER TABLE duty_slot DROP CONSTRAINT ex_duty_slot_one_doctor_once, "
        f"ADD CONSTRAINT ex_duty_slot_one_doctor_once EXCLUDE USING gist ({columns})"
    )
