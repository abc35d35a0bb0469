"""What of the exams is in people's hands: a practical half marked, questions on their way into a bank, more time."""

from datetime import datetime, timedelta

from sqlmodel import Session

from certification.authoring.actions import move_question, write_question
from certification.authoring.queries import bank_coded
from certification.banks.form import QuestionForm
from certification.exams.actions import give_time, hand_in, places_of, save_answer, start_sitting
from certification.exams.queries import answers_of, exam_by_code, questions_with
from certification.exams.rules import terms_of
from certification.marking.actions import give_marks
from certification.marking.queries import answer_for
from portal.accounts.models import Person
from portal.programme.queries import programme_at

PLAN = """一、阶段判断：仍在启动期。企业微信好友3.1万，近30天活跃9%，导购只有六成开通，先让员工在线再谈拉新。
二、四周安排：第一周店长和48名导购开通并通过自测（负责人：区域经理）；第二周老客迎回，每店每天20位；第三周预订日，面包出炉前一天接龙；第四周复盘。
三、口径：月成交按小程序支付成功且未退款计，基线46万元，目标55万元；活跃指30天内点开或回复过一次。
四、标签：只用“到店时段、口味、过敏原”三类，半主动为主，每人每周主动不超过一次。
五、最可能失败：导购没时间——排班里留出每天15分钟；货盘和外卖平台同价——先做两款门店限定。"""
CASE = """一、起点：华东46家面包店，小程序月成交38万元，老客30天回购21%（口径：30天内第二次支付成功）。
二、做了什么：先群发满减，三周后删除率从1.1%升到2.6%，停掉；改为出炉提醒，只发给买过同类的人。
三、结果：第1、2、3个月成交41万、47万、52万元，同期没有大促；回购21%、24%、27%。
四、步骤：选三款出炉时间固定的商品；按购买记录打标签；出炉前30分钟半主动提醒；每周看删除率，超过1.5%就停。
五、不适用：没有固定出炉时间、单店日客流不足80人的店。
六、待确认：成交、回购、删除率三项，由客户运营负责人书面确认。"""
TEXTS = {"P2-PR-01": PLAN, "P2-PR-02": CASE}
NOTE = "数据和口径清楚，能照着做；负责人写得不全，不适用的情形还可以更具体。"


def _form(code: str, zh: str, en: str, options: list[tuple[str, str]], key: int) -> QuestionForm:
    return QuestionForm(
        code,
        "TRK-01",
        "TRK-01/4",
        2,
        "one",
        {"zh": zh, "en": en},
        [{"zh": a, "en": b} for a, b in options],
        [key],
        {"zh": "按课程口径计算。", "en": "By the definition of the lesson."},
    )


DRAFTS = [
    _form(
        "P1-01-4-90",
        "一周内三次主动触达同一位顾客，最可能先看到什么？",
        "Three active contacts with one customer in a week: what shows first, most likely?",
        [("复购上升", "More repeats"), ("删除好友", "Deleted contacts"), ("客单价上升", "Larger orders")],
        2,
    ),
    _form(
        "P1-01-4-91",
        "迎回沉默客户，先用哪一种触点？",
        "Which touchpoint comes first to win back silent customers?",
        [("电话", "A call"), ("群发短信", "A text to all"), ("半主动的小程序提醒", "A semi-active reminder")],
        3,
    ),
    _form(
        "P1-01-4-92",
        "触点清单多久核对一次比较合适？",
        "How often is a list of touchpoints checked, sensibly?",
        [("每天", "Daily"), ("每季度", "Quarterly"), ("三年", "Every three years")],
        2,
    ),
    _form(
        "P1-01-4-93",
        "门店二维码贴在哪里最好？",
        "Where does a shop's QR code hang best?",
        [("门口", "At the door"), ("看情况", "It depends")],
        2,
    ),
]


def tell_exams(
    session: Session, candidate: Person, patient: Person, staff: dict[str, Person], now: datetime
) -> None:
    """`candidate` hands in a practical; `patient` gets more time; staff write and review questions."""
    reviewer, manager = staff["reviewer@yuqiao.example"], staff["manager@yuqiao.example"]
    chair, admin = staff["programme@yuqiao.example"], staff["admin@yuqiao.example"]
    began = now - timedelta(days=9)
    exam = exam_by_code(session, "P2-PRACTICAL")
    assert exam is not None  # noqa: S101
    terms = terms_of(
        programme_at(session, began),
        exam.certificate,
        exam.blueprint,
        exam.minutes,
        exam.pass_marks,
        exam.part,
    )
    sitting = start_sitting(session, exam, terms, by=candidate.id or 0, organisation_id=None, now=began)
    (place,) = places_of(sitting)
    text = TEXTS[questions_with(session, [place.question])[place.question].code]
    save_answer(session, sitting, 1, [], text, flagged=False, revision=1, now=began + timedelta(days=3))
    hand_in(session, sitting, by=candidate.id or 0, now=began + timedelta(days=5))
    (answer,) = answers_of(session, sitting.id or 0).values()
    found = answer_for(session, answer.id or 0, manager.id or 0)
    assert found is not None  # noqa: S101
    points = [line["points"] * 4 // 5 for line in found.question.rubric]
    give_marks(session, found, points, NOTE, by=manager.id or 0, now=now - timedelta(days=2))

    give_time(
        session,
        patient.id or 0,
        1.25,
        "看屏幕较慢，已出示证明",
        until=now + timedelta(days=300),
        by=reviewer.id or 0,
        now=now - timedelta(days=30),
    )

    bank = bank_coded(session, "P1")
    assert bank is not None  # noqa: S101
    for form, moves in zip(DRAFTS, ((), ("submit",), ("submit", "pilot"), ("retire",)), strict=True):
        at = now - timedelta(days=4)
        question = write_question(session, bank, form, by=chair.id or 0, now=at)
        for n, move in enumerate(moves, 1):
            by = admin if move == "pilot" else chair
            move_question(session, question, move, by=by.id or 0, now=at + timedelta(hours=n))
