"""Several roles a person, each for a time, in an organisation and on the platform; the stars that open rights."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ROLE = sa.Enum("owner", "manager", "traffic", "sales", "delivery", "learner", name="role", native_enum=False, length=40)
STAFF = sa.Enum("reviewer", "partner_manager", "programme_manager", "administrator", name="staffrole", native_enum=False, length=40)


def upgrade() -> None:
    op.create_table(
        "employment_role",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("employment_id", sa.Integer(), nullable=False),
        sa.Column("role", ROLE, nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("given_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["employment_id"], ["employment.id"], name=op.f("fk_employment_role_employment_id_employment")),
        sa.ForeignKeyConstraint(["given_by"], ["person.id"], name=op.f("fk_employment_role_given_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_employment_role")),
    )
    op.create_index(op.f("ix_employment_role_employment_id"), "employment_role", ["employment_id"])
    # Members did everything but the owner's part: they keep all of it but what only owners and managers do.
    for role, of in (("owner", "owner"), ("delivery", "member"), ("sales", "member"), ("traffic", "member")):
        op.execute(
            "INSERT INTO employment_role (employment_id, role, since) "
            f"SELECT id, '{role}', coalesce(confirmed_at, invited_at) FROM employment WHERE role = '{of}'"
        )
    op.drop_column("employment", "role")
    op.add_column("organisation", sa.Column("stars", sa.Integer(), nullable=False, server_default="0"))
    op.execute(
        "UPDATE organisation SET stars = coalesce((SELECT max(level.stars) FROM level WHERE level.organisation_id = organisation.id "
        "AND level.status IN ('active', 'at_risk', 'probation')), 0)"
    )
    rows = _staff("person_id, role, since")
    op.drop_table("staff_appointment")
    _create_staff()
    _insert_staff(rows)


def _staff(columns: str) -> list[dict]:
    return [dict(row._mapping) for row in op.get_bind().execute(sa.text(f"SELECT {columns} FROM staff_appointment ORDER BY person_id, role"))]


def _insert_staff(rows: list[dict]) -> None:
    for row in rows:
        op.get_bind().execute(sa.text("INSERT INTO staff_appointment (person_id, role, since) VALUES (:person_id, :role, :since)"), row)


def _create_staff() -> None:
    op.create_table(
        "staff_appointment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("role", STAFF, nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("given_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["given_by"], ["person.id"], name=op.f("fk_staff_appointment_given_by_person")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_staff_appointment_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_appointment")),
    )
    op.create_index(op.f("ix_staff_appointment_person_id"), "staff_appointment", ["person_id"])


def downgrade() -> None:
    rows = _staff("DISTINCT person_id, role, min(since) OVER (PARTITION BY person_id, role) AS since")
    op.drop_table("staff_appointment")
    op.create_table(
        "staff_appointment",
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("role", STAFF, nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_staff_appointment_person_id_person")),
        sa.PrimaryKeyConstraint("person_id", "role", name=op.f("pk_staff_appointment")),
    )
    _insert_staff(rows)
    op.drop_column("organisation", "stars")
    op.add_column("employment", sa.Column("role", sa.String(length=40), nullable=False, server_default="member"))
    op.execute(
        "UPDATE employment SET role = 'owner' WHERE id IN (SELECT employment_id FROM employment_role WHERE role = 'owner' AND until IS NULL)"
    )
    op.drop_table("employment_role")
