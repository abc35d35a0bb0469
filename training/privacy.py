"""What training holds of people."""

from portal.privacy.rules import Area, Basis, Fate, Lasts, Seen
from portal.refusal import mark

PERSONAL = [
    Area(
        "module_progress",
        mark("What you learned"),
        mark("showing how far you have come and counting training hours"),
        Basis.CONTRACT,
        Seen.SELF,
        Lasts.ACCOUNT,
        {
            "module version practice": mark("which lesson, and what you chose in its practice"),
            "started_at finished_at": mark("when begun and finished"),
            "shortened_at": mark("when a placement test shortened it"),
        },
        Fate.REMOVE,
        owner="person_id",
    ),
    Area(
        "lesson_version",
        mark("Versions of lessons"),
        mark("keeping the lessons true, and knowing who wrote and who published them"),
        Basis.DUTY,
        Seen.PUBLIC,
        Lasts.RECORD,
        {
            "module number status zh en digest changed shipped revision reason": mark("what the lesson says"),
            "writers written_at published_at": mark("who wrote in it, when it was written and published"),
        },
        Fate.KEEP,
        why=mark("It is the school's; the number of the account stays."),
        actors=("written_by", "published_by"),
    ),
    Area(
        "placement",
        mark("Placement tests"),
        mark("shortening lessons whose matter you know from earlier work"),
        Basis.CONTRACT,
        Seen.SELF,
        Lasts.ACCOUNT,
        {
            "track background": mark("which track, and where you said you come from"),
            "seed drawn started_at": mark("what was asked, and when"),
            "answers right shortened finished_at": mark("what you answered, and what that shortened"),
        },
        Fate.REMOVE,
        owner="person_id",
    ),
    Area(
        "task",
        mark("Training tasks"),
        mark("asking people to learn or do something by a day"),
        Basis.CONTRACT,
        Seen.TEAM,
        Lasts.RECORD,
        {
            "kind subject title done_when note mandatory audience role from_staff due": mark(
                "what is asked of whom"
            ),
            "issued_at withdrawn_at": mark("when it was set, and taken back"),
        },
        Fate.KEEP,
        why=mark("It is the organisation's; the number of the account stays."),
        actors=("issued_by", "responsible_id"),
    ),
    Area(
        "assignment",
        mark("Training tasks for you"),
        mark("asking people to learn or do something by a day"),
        Basis.CONTRACT,
        Seen.TEAM,
        Lasts.ACCOUNT,
        {
            "status assigned_at due told tell_at": mark("by when it is asked, and what you were told of it"),
            "said said_at done_at how answer": mark(
                "what you wrote when you did it, when it was done, and the answer"
            ),
        },
        Fate.REMOVE,
        owner="person_id",
        actors=("confirmed_by",),
    ),
    Area(
        "live_seat",
        mark("Your seats in live sessions"),
        mark("giving out seats in the order of asking, and crediting hours to who was there"),
        Basis.CONTRACT,
        Seen.STAFF,
        Lasts.ACCOUNT,
        {
            "status asked_at seated_at reminded_at": mark("when you asked for a seat, and what became of it"),
            "attended_at how reason": mark("whether you were there, and how that was noted"),
        },
        Fate.REMOVE,
        owner="person_id",
        actors=("marked_by",),
    ),
    Area(
        "live_session",
        mark("Live sessions"),
        mark("offering sessions that people come to"),
        Basis.DUTY,
        Seen.TEAM,
        Lasts.RECORD,
        {
            "uid title_zh title_en about_zh about_en subject hours starts_at ends_at closes_at place link "
            "capacity status cancelled_for sequence": mark("what is taught when and where"),
            "planned_at changed_at": mark("when it was planned and changed"),
        },
        Fate.KEEP,
        why=mark("It is the school's; the number of the account stays."),
        actors=("planned_by",),
    ),
    Area(
        "cohort_application",
        mark("Applications for fostering cohorts"),
        mark("choosing by a score of recorded facts who is fostered"),
        Basis.CONTRACT,
        Seen.STAFF,
        Lasts.RECORD,
        {
            "status motivation applied_at decided_at ended_at reason": mark(
                "why the organisation applied, and the answer"
            ),
            "audience role people tasks": mark("who is to learn, as the owner named them"),
            "parts score place": mark("the organisation's score and its place in the order"),
        },
        Fate.KEEP,
        why=mark("It is the organisation's; the number of the account stays."),
        actors=("applied_by",),
    ),
    Area(
        "cohort",
        mark("Fostering cohorts"),
        mark("choosing by a score of recorded facts who is fostered"),
        Basis.DUTY,
        Seen.TEAM,
        Lasts.RECORD,
        {
            "name_zh name_en offer_zh offer_en tracks cap apply_from apply_until starts_at ends_at status "
            "revision": mark("what the cohort offers, and when"),
            "made_at chosen_at": mark("when it was made and chosen"),
        },
        Fate.KEEP,
        why=mark("It is the school's; the number of the account stays."),
        actors=("made_by", "chosen_by"),
    ),
    Area(
        "course_statement",
        mark("What outside courses recorded of you"),
        mark("showing how far you have come in an outside course, and going on with it"),
        Basis.CONTRACT,
        Seen.SELF,
        Lasts.ACCOUNT,
        {
            "part uuid verb defined statement stored_at": mark(
                "what a part of the course wrote down of you, and when"
            )
        },
        Fate.REMOVE,
        through=("attempt_id", "course_attempt"),
    ),
    Area(
        "course_document",
        mark("What outside courses kept for you"),
        mark("showing how far you have come in an outside course, and going on with it"),
        Basis.CONTRACT,
        Seen.SELF,
        Lasts.ACCOUNT,
        {
            "part kind name media_type content changed_at": mark(
                "what a part of the course wants to find again, and when it kept it"
            )
        },
        Fate.REMOVE,
        through=("attempt_id", "course_attempt"),
    ),
    Area(
        "course_state",
        mark("Your place in outside courses"),
        mark("showing how far you have come in an outside course, and going on with it"),
        Basis.CONTRACT,
        Seen.SELF,
        Lasts.ACCOUNT,
        {
            "part reported ended completion passed score seconds changed_at": mark(
                "what a part of the course reported of you, and when"
            )
        },
        Fate.REMOVE,
        through=("attempt_id", "course_attempt"),
    ),
    Area(
        "course_launch",
        mark("Openings of outside courses"),
        mark("opening a part of an outside course for you alone"),
        Basis.CONTRACT,
        Seen.SELF,
        Lasts.ACCOUNT,
        {
            "part session saves seconds made_at expires_at": mark("which part, when, for how long"),
            "token_hash auth_hash": mark("what opens it, as a fingerprint"),
        },
        Fate.REMOVE,
        through=("attempt_id", "course_attempt"),
        secret=frozenset({"token_hash", "auth_hash"}),
    ),
    Area(
        "course_attempt",
        mark("Your outside courses"),
        mark("showing how far you have come in an outside course, and going on with it"),
        Basis.CONTRACT,
        Seen.SELF,
        Lasts.ACCOUNT,
        {
            "registration completion passed score seconds": mark("what the course says of you"),
            "begun_at last_at completed_at": mark("when begun and finished"),
        },
        Fate.REMOVE,
        owner="person_id",
    ),
    Area(
        "course_package",
        mark("Outside courses"),
        mark("offering courses that others made"),
        Basis.DUTY,
        Seen.PUBLIC,
        Lasts.RECORD,
        {
            "identifier version standard edition title lines parts remarks status": mark(
                "what is in the course"
            ),
            "uploaded_at published_at": mark("when it was taken in and published"),
        },
        Fate.KEEP,
        why=mark("It is the school's; the number of the account stays."),
        actors=("uploaded_by",),
    ),
    Area(
        "assessment",
        mark("Self-assessments of an organisation"),
        mark("finding out what an organisation should learn"),
        Basis.CONTRACT,
        Seen.TEAM,
        Lasts.RECORD,
        {
            "instrument answers claimed counted overall taken_at reminded_at": mark(
                "what was answered for the organisation, and when"
            )
        },
        Fate.KEEP,
        why=mark("It is the organisation's; the number of the account stays."),
        actors=("taken_by",),
    ),
    Area(
        "maturity_proof",
        mark("Evidence for self-assessments"),
        mark("verifying what an organisation says of itself"),
        Basis.CONTRACT,
        Seen.TEAM,
        Lasts.RECORD,
        {
            "instrument dimension status claims levels reasons score began_at decided_at valid_until": mark(
                "what was handed in for the organisation, and what was accepted"
            )
        },
        Fate.KEEP,
        why=mark("It is the organisation's; the number of the account stays."),
        actors=("began_by",),
    ),
]
