"""the first house."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
    op.create_table(
        "installation",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("epoch", sa.Text(), nullable=False),
        sa.Column("demo", sa.Boolean(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_installation_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_installation")),
    )
    op.create_table(
        "organization",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False, comment="stable key of the network file"),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("short_name", sa.Text(), nullable=False),
        sa.Column("aliases", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("facility_code", sa.Text(), nullable=True),
        sa.Column("province", sa.Text(), nullable=True),
        sa.Column("former_province", sa.Text(), nullable=True),
        sa.Column("technical_level", sa.Text(), nullable=True),
        sa.Column("legacy_tier", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("department_id", sa.Uuid(), nullable=True),
        sa.Column(
            "fallback_desks",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="desk ids rung outside any agreement",
        ),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["department_id"], ["organization.id"], name=op.f("fk_organization_department_id_organization")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organization")),
        sa.UniqueConstraint("key", name=op.f("uq_organization_key")),
    )
    op.create_index(op.f("ix_organization_department_id"), "organization", ["department_id"], unique=False)
    op.create_table(
        "specialty",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("vi", sa.Text(), nullable=False),
        sa.Column("en", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_specialty")),
    )
    op.create_table(
        "stream",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("head", sa.BigInteger(), nullable=False),
        sa.Column("chain_seq", sa.BigInteger(), nullable=False),
        sa.Column("chain_hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_stream")),
    )
    op.create_table(
        "agreement",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("asking_id", sa.Uuid(), nullable=False),
        sa.Column("answering_id", sa.Uuid(), nullable=False),
        sa.Column("specialty", sa.Text(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("during", postgresql.TSTZRANGE(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        postgresql.ExcludeConstraint(
            (sa.column("asking_id"), "="),
            (sa.column("answering_id"), "="),
            (sa.column("specialty"), "="),
            (sa.column("during"), "&&"),
            using="gist",
            name="ex_agreement_one_at_a_time",
        ),
        sa.CheckConstraint("NOT isempty(during)", name=op.f("ck_agreement_not_empty")),
        sa.ForeignKeyConstraint(
            ["answering_id"], ["organization.id"], name=op.f("fk_agreement_answering_id_organization")
        ),
        sa.ForeignKeyConstraint(["asking_id"], ["organization.id"], name=op.f("fk_agreement_asking_id_organization")),
        sa.ForeignKeyConstraint(["specialty"], ["specialty.code"], name=op.f("fk_agreement_specialty_specialty")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agreement")),
    )
    op.create_index(op.f("ix_agreement_asking_id"), "agreement", ["asking_id"], unique=False)
    op.create_table(
        "desk",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("hospital_id", sa.Uuid(), nullable=False),
        sa.Column("specialty", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["hospital_id"], ["organization.id"], name=op.f("fk_desk_hospital_id_organization")),
        sa.ForeignKeyConstraint(["specialty"], ["specialty.code"], name=op.f("fk_desk_specialty_specialty")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_desk")),
        sa.UniqueConstraint("key", name=op.f("uq_desk_key")),
    )
    op.create_index(op.f("ix_desk_hospital_id_specialty"), "desk", ["hospital_id", "specialty"], unique=False)
    op.create_index(op.f("ix_desk_specialty"), "desk", ["specialty"], unique=False)
    op.create_table(
        "holiday",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("hospital_id", sa.Uuid(), nullable=True),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False, comment="off or working"),
        sa.Column("as_day", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["hospital_id"], ["organization.id"], name=op.f("fk_holiday_hospital_id_organization"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_holiday")),
    )
    op.create_index(
        op.f("ix_holiday_hospital_id_day"),
        "holiday",
        ["hospital_id", "day"],
        unique=True,
        postgresql_nulls_not_distinct=True,
    )
    op.create_table(
        "ward",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("hospital_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["hospital_id"], ["organization.id"], name=op.f("fk_ward_hospital_id_organization")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ward")),
        sa.UniqueConstraint("key", name=op.f("uq_ward_key")),
    )
    op.create_index(op.f("ix_ward_hospital_id_name"), "ward", ["hospital_id", "name"], unique=True)
    op.create_table(
        "agreement_desk",
        sa.Column("agreement_id", sa.Uuid(), nullable=False),
        sa.Column("desk_id", sa.Uuid(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["agreement_id"],
            ["agreement.id"],
            name=op.f("fk_agreement_desk_agreement_id_agreement"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["desk_id"], ["desk.id"], name=op.f("fk_agreement_desk_desk_id_desk")),
        sa.PrimaryKeyConstraint("agreement_id", "desk_id", name=op.f("pk_agreement_desk")),
    )
    op.create_table(
        "escalation_policy",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("desk_id", sa.Uuid(), nullable=True),
        sa.Column("hospital_id", sa.Uuid(), nullable=True),
        sa.Column("urgency", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("steps", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("answer_due_s", sa.Integer(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("superseded_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("num_nonnulls(desk_id, hospital_id) <= 1", name=op.f("ck_escalation_policy_one_owner")),
        sa.ForeignKeyConstraint(["desk_id"], ["desk.id"], name=op.f("fk_escalation_policy_desk_id_desk")),
        sa.ForeignKeyConstraint(
            ["hospital_id"], ["organization.id"], name=op.f("fk_escalation_policy_hospital_id_organization")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_escalation_policy")),
    )
    op.create_index(
        "uq_escalation_policy_current",
        "escalation_policy",
        ["desk_id", "hospital_id", "urgency"],
        unique=True,
        postgresql_nulls_not_distinct=True,
        postgresql_where=sa.text("superseded_at IS NULL"),
    )
    op.create_table(
        "user_account",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("must_change_password", sa.Boolean(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("hospital_id", sa.Uuid(), nullable=True),
        sa.Column("ward_id", sa.Uuid(), nullable=True),
        sa.Column("licence", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("demo", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["hospital_id"], ["organization.id"], name=op.f("fk_user_account_hospital_id_organization")
        ),
        sa.ForeignKeyConstraint(["ward_id"], ["ward.id"], name=op.f("fk_user_account_ward_id_ward")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_account")),
    )
    op.create_index(op.f("ix_user_account_hospital_id"), "user_account", ["hospital_id"], unique=False)
    op.create_index(op.f("ix_user_account_ward_id"), "user_account", ["ward_id"], unique=False)
    op.create_index("uq_user_account_username", "user_account", [sa.literal_column("lower(username)")], unique=True)
    op.create_table(
        "consultation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("hospital_id", sa.Uuid(), nullable=False),
        sa.Column("hospital_name", sa.Text(), nullable=False),
        sa.Column("ward_id", sa.Uuid(), nullable=True),
        sa.Column("ward_name", sa.Text(), nullable=True),
        sa.Column("ward_phone", sa.Text(), nullable=True),
        sa.Column("requester_id", sa.Uuid(), nullable=False),
        sa.Column("requester_name", sa.Text(), nullable=False),
        sa.Column("requester_phone", sa.Text(), nullable=True),
        sa.Column("requester_licence", sa.Text(), nullable=True),
        sa.Column("specialty", sa.Text(), nullable=False),
        sa.Column("urgency", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("situation", sa.Text(), nullable=False),
        sa.Column("background", sa.Text(), nullable=False),
        sa.Column("assessment", sa.Text(), nullable=False),
        sa.Column("recommendation", sa.Text(), nullable=False),
        sa.Column("kind_of_help", sa.Text(), nullable=True),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("sex", sa.Text(), nullable=False),
        sa.Column("birth_date", sa.Date(), nullable=True),
        sa.Column("age_years", sa.Integer(), nullable=True),
        sa.Column("age_months", sa.Integer(), nullable=True),
        sa.Column("weight_kg", sa.Numeric(precision=5, scale=2), nullable=True),
        sa.Column("identifiers", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("diagnosis_code", sa.Text(), nullable=True),
        sa.Column("diagnosis_text", sa.Text(), nullable=True),
        sa.Column("safety", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("warnings", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("drill", sa.Boolean(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("head_hash", sa.LargeBinary(), nullable=False),
        sa.Column("holder_id", sa.Uuid(), nullable=True),
        sa.Column("holder_name", sa.Text(), nullable=True),
        sa.Column("holder_licence", sa.Text(), nullable=True),
        sa.Column("held_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer_due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("concluded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancel_reason", sa.Text(), nullable=True),
        sa.CheckConstraint("status <> 'active' OR holder_id IS NOT NULL", name=op.f("ck_consultation_active_is_held")),
        sa.CheckConstraint("(holder_id IS NULL) = (held_since IS NULL)", name=op.f("ck_consultation_holder_since")),
        sa.ForeignKeyConstraint(
            ["holder_id"], ["user_account.id"], name=op.f("fk_consultation_holder_id_user_account")
        ),
        sa.ForeignKeyConstraint(
            ["hospital_id"], ["organization.id"], name=op.f("fk_consultation_hospital_id_organization")
        ),
        sa.ForeignKeyConstraint(
            ["requester_id"], ["user_account.id"], name=op.f("fk_consultation_requester_id_user_account")
        ),
        sa.ForeignKeyConstraint(["specialty"], ["specialty.code"], name=op.f("fk_consultation_specialty_specialty")),
        sa.ForeignKeyConstraint(["ward_id"], ["ward.id"], name=op.f("fk_consultation_ward_id_ward")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consultation")),
        sa.UniqueConstraint("number", name=op.f("uq_consultation_number")),
    )
    op.create_index("ix_consultation_created", "consultation", ["created_at", "id"], unique=False)
    op.create_index("ix_consultation_hospital_created", "consultation", ["hospital_id", "created_at"], unique=False)
    op.create_index(
        "ix_consultation_hospital_open",
        "consultation",
        ["hospital_id"],
        unique=False,
        postgresql_where=sa.text("status IN ('ringing','active')"),
    )
    op.create_index(op.f("ix_consultation_requester_id"), "consultation", ["requester_id"], unique=False)
    op.create_index(
        "ix_consultation_ward_live",
        "consultation",
        ["ward_id"],
        unique=False,
        postgresql_where=sa.text("status NOT IN ('closed','cancelled')"),
    )
    op.create_table(
        "schedule",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("desk_id", sa.Uuid(), nullable=True),
        sa.Column("hospital_id", sa.Uuid(), nullable=True),
        sa.Column("zone", sa.Text(), nullable=False, comment="IANA zone that local times are in"),
        sa.Column("head_id", sa.Uuid(), nullable=True),
        sa.Column("required_roles", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("compiled_until", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("num_nonnulls(desk_id, hospital_id) = 1", name=op.f("ck_schedule_one_owner")),
        sa.ForeignKeyConstraint(["desk_id"], ["desk.id"], name=op.f("fk_schedule_desk_id_desk")),
        sa.ForeignKeyConstraint(["head_id"], ["user_account.id"], name=op.f("fk_schedule_head_id_user_account")),
        sa.ForeignKeyConstraint(
            ["hospital_id"], ["organization.id"], name=op.f("fk_schedule_hospital_id_organization")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_schedule")),
        sa.UniqueConstraint("desk_id", name=op.f("uq_schedule_desk_id")),
        sa.UniqueConstraint("hospital_id", name=op.f("uq_schedule_hospital_id")),
    )
    op.create_table(
        "session",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False, comment="bearer or cookie"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_session_user_id_user_account"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_session")),
        sa.UniqueConstraint("digest", name=op.f("uq_session_digest")),
    )
    op.create_index(op.f("ix_session_user_id"), "session", ["user_id"], unique=False)
    op.create_table(
        "stored_answer",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False, comment="SHA-256 of method, path and body"),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("location", sa.Text(), nullable=True),
        sa.Column("consultation_id", sa.Uuid(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_stored_answer_user_id_user_account")),
        sa.PrimaryKeyConstraint("user_id", "key", name=op.f("pk_stored_answer")),
    )
    op.create_index(op.f("ix_stored_answer_at"), "stored_answer", ["at"], unique=False)
    op.create_table(
        "user_specialty",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("specialty", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["specialty"], ["specialty.code"], name=op.f("fk_user_specialty_specialty_specialty")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_user_specialty_user_id_user_account"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "specialty", name=op.f("pk_user_specialty")),
    )
    op.create_table(
        "access_log",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("consultation_id", sa.Uuid(), nullable=False),
        sa.Column("view", sa.Text(), nullable=False, comment="full, card or header"),
        sa.Column(
            "via", sa.Text(), nullable=False, comment="read, messages, history, record, list, subscription or offer"
        ),
        sa.ForeignKeyConstraint(
            ["consultation_id"], ["consultation.id"], name=op.f("fk_access_log_consultation_id_consultation")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_access_log_user_id_user_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_log")),
    )
    op.create_index(op.f("ix_access_log_consultation_id_at"), "access_log", ["consultation_id", "at"], unique=False)
    op.create_index(op.f("ix_access_log_user_id_at"), "access_log", ["user_id", "at"], unique=False)
    op.create_table(
        "callout",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("consultation_id", sa.Uuid(), nullable=False),
        sa.Column("desk_id", sa.Uuid(), nullable=False),
        sa.Column("desk_name", sa.Text(), nullable=False),
        sa.Column("desk_phone", sa.Text(), nullable=True),
        sa.Column("hospital_id", sa.Uuid(), nullable=False),
        sa.Column("hospital_name", sa.Text(), nullable=False),
        sa.Column("specialty", sa.Text(), nullable=False),
        sa.Column("urgency", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column(
            "policy",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="{steps, answer_due_s, version}, frozen",
        ),
        sa.Column(
            "preview", postgresql.JSONB(astext_type=sa.Text()), nullable=False, comment="who each step would ring"
        ),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("step_started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("step_due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state <> 'ringing' OR next_due_at IS NOT NULL", name=op.f("ck_callout_ringing_has_due_time")
        ),
        sa.ForeignKeyConstraint(
            ["consultation_id"], ["consultation.id"], name=op.f("fk_callout_consultation_id_consultation")
        ),
        sa.ForeignKeyConstraint(["desk_id"], ["desk.id"], name=op.f("fk_callout_desk_id_desk")),
        sa.ForeignKeyConstraint(["hospital_id"], ["organization.id"], name=op.f("fk_callout_hospital_id_organization")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_callout")),
    )
    op.create_index(op.f("ix_callout_consultation_id"), "callout", ["consultation_id"], unique=False)
    op.create_index(
        "ix_callout_desk_open", "callout", ["desk_id"], unique=False, postgresql_where=sa.text("state = 'ringing'")
    )
    op.create_index(
        "ix_callout_due", "callout", ["next_due_at"], unique=False, postgresql_where=sa.text("state = 'ringing'")
    )
    op.create_table(
        "conclusion",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("consultation_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("author_name", sa.Text(), nullable=False),
        sa.Column("author_licence", sa.Text(), nullable=True),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("conclusion", sa.Text(), nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=True),
        sa.Column("supersedes", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["author_id"], ["user_account.id"], name=op.f("fk_conclusion_author_id_user_account")),
        sa.ForeignKeyConstraint(
            ["consultation_id"], ["consultation.id"], name=op.f("fk_conclusion_consultation_id_consultation")
        ),
        sa.ForeignKeyConstraint(["supersedes"], ["conclusion.id"], name=op.f("fk_conclusion_supersedes_conclusion")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conclusion")),
    )
    op.create_index(op.f("ix_conclusion_consultation_id"), "conclusion", ["consultation_id"], unique=False)
    op.create_table(
        "duty_slot",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("schedule_id", sa.Uuid(), nullable=False),
        sa.Column("doctor_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("during", postgresql.TSTZRANGE(), nullable=False),
        postgresql.ExcludeConstraint(
            (sa.column("schedule_id"), "="),
            (sa.column("role"), "="),
            (sa.column("doctor_id"), "="),
            (sa.column("during"), "&&"),
            using="gist",
            name="ex_duty_slot_one_doctor_once",
        ),
        sa.CheckConstraint("NOT isempty(during)", name=op.f("ck_duty_slot_not_empty")),
        sa.ForeignKeyConstraint(["doctor_id"], ["user_account.id"], name=op.f("fk_duty_slot_doctor_id_user_account")),
        sa.ForeignKeyConstraint(
            ["schedule_id"], ["schedule.id"], name=op.f("fk_duty_slot_schedule_id_schedule"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duty_slot")),
    )
    op.create_index(
        "ix_duty_slot_doctor_until", "duty_slot", ["doctor_id", sa.literal_column("upper(during)")], unique=False
    )
    op.create_index(
        "ix_duty_slot_schedule_until", "duty_slot", ["schedule_id", sa.literal_column("upper(during)")], unique=False
    )
    op.create_table(
        "event",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("chain", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("actor_name", sa.Text(), nullable=True),
        sa.Column("consultation_id", sa.Uuid(), nullable=True),
        sa.Column("data", sa.JSON(), nullable=True),
        sa.Column("data_hash", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["consultation_id"], ["consultation.id"], name=op.f("fk_event_consultation_id_consultation")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
    )
    op.create_index("uq_event_chain_seq", "event", ["chain", "seq"], unique=True)
    op.create_table(
        "layer",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("schedule_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("on_days", sa.Text(), nullable=False, comment="any, ordinary or holiday"),
        sa.Column("turns", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("rotation", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("windows", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.ForeignKeyConstraint(
            ["schedule_id"], ["schedule.id"], name=op.f("fk_layer_schedule_id_schedule"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_layer")),
    )
    op.create_index(op.f("ix_layer_schedule_id"), "layer", ["schedule_id"], unique=False)
    op.create_table(
        "outcome",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("consultation_id", sa.Uuid(), nullable=False),
        sa.Column("due", sa.Text(), nullable=False, comment="24h, 7d or discharge"),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("by_id", sa.Uuid(), nullable=False),
        sa.Column("by_name", sa.Text(), nullable=False),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["by_id"], ["user_account.id"], name=op.f("fk_outcome_by_id_user_account")),
        sa.ForeignKeyConstraint(
            ["consultation_id"], ["consultation.id"], name=op.f("fk_outcome_consultation_id_consultation")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outcome")),
    )
    op.create_index(op.f("ix_outcome_consultation_id"), "outcome", ["consultation_id"], unique=False)
    op.create_table(
        "override",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("schedule_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False, comment="add, remove or replace"),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("doctor_id", sa.Uuid(), nullable=False),
        sa.Column("by_id", sa.Uuid(), nullable=True),
        sa.Column("during", postgresql.TSTZRANGE(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        postgresql.ExcludeConstraint(
            (sa.column("schedule_id"), "="),
            (sa.column("role"), "="),
            (sa.column("kind"), "="),
            (sa.column("doctor_id"), "="),
            (sa.column("during"), "&&"),
            using="gist",
            name="ex_override_one_of_a_kind",
        ),
        sa.CheckConstraint("NOT isempty(during)", name=op.f("ck_override_not_empty")),
        sa.ForeignKeyConstraint(["by_id"], ["user_account.id"], name=op.f("fk_override_by_id_user_account")),
        sa.ForeignKeyConstraint(["doctor_id"], ["user_account.id"], name=op.f("fk_override_doctor_id_user_account")),
        sa.ForeignKeyConstraint(
            ["schedule_id"], ["schedule.id"], name=op.f("fk_override_schedule_id_schedule"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_override")),
    )
    op.create_index(op.f("ix_override_schedule_id"), "override", ["schedule_id"], unique=False)
    op.create_table(
        "participant",
        sa.Column("consultation_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False, comment="requester, assigned, team, invited or former"),
        sa.Column("hospital_id", sa.Uuid(), nullable=True),
        sa.Column("hospital_name", sa.Text(), nullable=True),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("delivered_n", sa.BigInteger(), nullable=False),
        sa.Column("seen_n", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["consultation_id"], ["consultation.id"], name=op.f("fk_participant_consultation_id_consultation")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_participant_user_id_user_account")),
        sa.PrimaryKeyConstraint("consultation_id", "user_id", name=op.f("pk_participant")),
    )
    op.create_index(op.f("ix_participant_user_id"), "participant", ["user_id"], unique=False)
    op.create_table(
        "read_back",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("consultation_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False, comment="the opinion or conclusion read back"),
        sa.Column("by_id", sa.Uuid(), nullable=False),
        sa.Column("by_name", sa.Text(), nullable=False),
        sa.Column("understood", sa.Boolean(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["by_id"], ["user_account.id"], name=op.f("fk_read_back_by_id_user_account")),
        sa.ForeignKeyConstraint(
            ["consultation_id"], ["consultation.id"], name=op.f("fk_read_back_consultation_id_consultation")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_read_back")),
    )
    op.create_index(op.f("ix_read_back_consultation_id"), "read_back", ["consultation_id"], unique=False)
    op.create_table(
        "vital_signs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("consultation_id", sa.Uuid(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_by_name", sa.Text(), nullable=False),
        sa.Column("pulse", sa.Integer(), nullable=True),
        sa.Column("systolic", sa.Integer(), nullable=True),
        sa.Column("diastolic", sa.Integer(), nullable=True),
        sa.Column("respiration", sa.Integer(), nullable=True),
        sa.Column("temperature", sa.Numeric(precision=4, scale=1), nullable=True),
        sa.Column("spo2", sa.Integer(), nullable=True),
        sa.Column("spo2_scale", sa.Integer(), nullable=False),
        sa.Column("on_oxygen", sa.Boolean(), nullable=True),
        sa.Column("oxygen_l_min", sa.Numeric(precision=4, scale=1), nullable=True),
        sa.Column("consciousness", sa.Text(), nullable=True),
        sa.Column("warnings", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("news2", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["consultation_id"], ["consultation.id"], name=op.f("fk_vital_signs_consultation_id_consultation")
        ),
        sa.ForeignKeyConstraint(
            ["recorded_by"], ["user_account.id"], name=op.f("fk_vital_signs_recorded_by_user_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vital_signs")),
    )
    op.create_index(op.f("ix_vital_signs_consultation_id"), "vital_signs", ["consultation_id"], unique=False)
    op.create_table(
        "message",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("consultation_id", sa.Uuid(), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False, comment="place in the consultation's stream"),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("author_name", sa.Text(), nullable=False),
        sa.Column("author_hospital_name", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("opinion", sa.Boolean(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("supersedes", sa.Uuid(), nullable=True),
        sa.Column("superseded_by", sa.Uuid(), nullable=True),
        sa.Column("vitals_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["author_id"], ["user_account.id"], name=op.f("fk_message_author_id_user_account")),
        sa.ForeignKeyConstraint(
            ["consultation_id"], ["consultation.id"], name=op.f("fk_message_consultation_id_consultation")
        ),
        sa.ForeignKeyConstraint(["supersedes"], ["message.id"], name=op.f("fk_message_supersedes_message")),
        sa.ForeignKeyConstraint(["vitals_id"], ["vital_signs.id"], name=op.f("fk_message_vitals_id_vital_signs")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message")),
    )
    op.create_index(op.f("ix_message_consultation_id_n"), "message", ["consultation_id", "n"], unique=True)
    op.create_table(
        "offer",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("callout_id", sa.Uuid(), nullable=False),
        sa.Column("consultation_id", sa.Uuid(), nullable=False),
        sa.Column("doctor_id", sa.Uuid(), nullable=False),
        sa.Column("doctor_name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("reason_text", sa.Text(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "undelivered_at", sa.DateTime(timezone=True), nullable=True, comment="when 30 s had passed without delivery"
        ),
        sa.Column("expired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attendance", sa.Text(), nullable=True, comment="red team: coming, cannot or stood_down"),
        sa.Column("attendance_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["callout_id"], ["callout.id"], name=op.f("fk_offer_callout_id_callout")),
        sa.ForeignKeyConstraint(
            ["consultation_id"], ["consultation.id"], name=op.f("fk_offer_consultation_id_consultation")
        ),
        sa.ForeignKeyConstraint(["doctor_id"], ["user_account.id"], name=op.f("fk_offer_doctor_id_user_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_offer")),
    )
    op.create_index(op.f("ix_offer_callout_id"), "offer", ["callout_id"], unique=False)
    op.create_index(op.f("ix_offer_consultation_id"), "offer", ["consultation_id"], unique=False)
    op.create_index("ix_offer_doctor_made", "offer", ["doctor_id", "made_at"], unique=False)
    op.create_index(
        "ix_offer_open_to", "offer", ["doctor_id"], unique=False, postgresql_where=sa.text("state = 'made'")
    )
    op.create_index(
        "uq_offer_one_accepted", "offer", ["callout_id"], unique=True, postgresql_where=sa.text("state = 'accepted'")
    )
    op.create_index(
        "uq_offer_one_open",
        "offer",
        ["callout_id", "doctor_id"],
        unique=True,
        postgresql_where=sa.text("state = 'made'"),
    )
    op.create_table(
        "stream_entry",
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["event.id"], name=op.f("fk_stream_entry_event_id_event")),
        sa.PrimaryKeyConstraint("stream", "seq", name=op.f("pk_stream_entry")),
    )


def downgrade() -> None:
    op.drop_table("stream_entry")
    op.drop_index("uq_offer_one_open", table_name="offer", postgresql_where=sa.text("state = 'made'"))
    op.drop_index("uq_offer_one_accepted", table_name="offer", postgresql_where=sa.text("state = 'accepted'"))
    op.drop_index("ix_offer_open_to", table_name="offer", postgresql_where=sa.text("state = 'made'"))
    op.drop_index("ix_offer_doctor_made", table_name="offer")
    op.drop_index(op.f("ix_offer_consultation_id"), table_name="offer")
    op.drop_index(op.f("ix_offer_callout_id"), table_name="offer")
    op.drop_table("offer")
    op.drop_index(op.f("ix_message_consultation_id_n"), table_name="message")
    op.drop_table("message")
    op.drop_index(op.f("ix_vital_signs_consultation_id"), table_name="vital_signs")
    op.drop_table("vital_signs")
    op.drop_index(op.f("ix_read_back_consultation_id"), table_name="read_back")
    op.drop_table("read_back")
    op.drop_index(op.f("ix_participant_user_id"), table_name="participant")
    op.drop_table("participant")
    op.drop_index(op.f("ix_override_schedule_id"), table_name="override")
    op.drop_table("override")
    op.drop_index(op.f("ix_outcome_consultation_id"), table_name="outcome")
    op.drop_table("outcome")
    op.drop_index(op.f("ix_layer_schedule_id"), table_name="layer")
    op.drop_table("layer")
    op.drop_index("uq_event_chain_seq", table_name="event")
    op.drop_table("event")
    op.drop_index("ix_duty_slot_schedule_until", table_name="duty_slot")
    op.drop_index("ix_duty_slot_doctor_until", table_name="duty_slot")
    op.drop_table("duty_slot")
    op.drop_index(op.f("ix_conclusion_consultation_id"), table_name="conclusion")
    op.drop_table("conclusion")
    op.drop_index("ix_callout_due", table_name="callout", postgresql_where=sa.text("state = 'ringing'"))
    op.drop_index("ix_callout_desk_open", table_name="callout", postgresql_where=sa.text("state = 'ringing'"))
    op.drop_index(op.f("ix_callout_consultation_id"), table_name="callout")
    op.drop_table("callout")
    op.drop_index(op.f("ix_access_log_user_id_at"), table_name="access_log")
    op.drop_index(op.f("ix_access_log_consultation_id_at"), table_name="access_log")
    op.drop_table("access_log")
    op.drop_table("user_specialty")
    op.drop_index(op.f("ix_stored_answer_at"), table_name="stored_answer")
    op.drop_table("stored_answer")
    op.drop_index(op.f("ix_session_user_id"), table_name="session")
    op.drop_table("session")
    op.drop_table("schedule")
    op.drop_index(
        "ix_consultation_ward_live",
        table_name="consultation",
        postgresql_where=sa.text("status NOT IN ('closed','cancelled')"),
    )
    op.drop_index(op.f("ix_consultation_requester_id"), table_name="consultation")
    op.drop_index(
        "ix_consultation_hospital_open",
        table_name="consultation",
        postgresql_where=sa.text("status IN ('ringing','active')"),
    )
    op.drop_index("ix_consultation_hospital_created", table_name="consultation")
    op.drop_index("ix_consultation_created", table_name="consultation")
    op.drop_table("consultation")
    op.drop_index("uq_user_account_username", table_name="user_account")
    op.drop_index(op.f("ix_user_account_ward_id"), table_name="user_account")
    op.drop_index(op.f("ix_user_account_hospital_id"), table_name="user_account")
    op.drop_table("user_account")
    op.drop_index(
        "uq_escalation_policy_current",
        table_name="escalation_policy",
        postgresql_nulls_not_distinct=True,
        postgresql_where=sa.text("superseded_at IS NULL"),
    )
    op.drop_table("escalation_policy")
    op.drop_table("agreement_desk")
    op.drop_index(op.f("ix_ward_hospital_id_name"), table_name="ward")
    op.drop_table("ward")
    op.drop_index(op.f("ix_holiday_hospital_id_day"), table_name="holiday", postgresql_nulls_not_distinct=True)
    op.drop_table("holiday")
    op.drop_index(op.f("ix_desk_specialty"), table_name="desk")
    op.drop_index(op.f("ix_desk_hospital_id_specialty"), table_name="desk")
    op.drop_table("desk")
    op.drop_index(op.f("ix_agreement_asking_id"), table_name="agreement")
    op.drop_table("agreement")
    op.drop_table("stream")
    op.drop_table("specialty")
    op.drop_index(op.f("ix_organization_department_id"), table_name="organization")
    op.drop_table("organization")
    op.drop_table("installation")
